"""What a Zarr folder declares, judged from its metadata before a Zarr library opens it.

A codec can run code; a chunk can be declared larger than any memory, whatever its array is; a
coordinate is read whole. So codecs, shapes and chunks are looked at first, of layers and of the
stores of a run that came from elsewhere alike.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from minerisk.features.errors import InputError

MAX_CHUNK_BYTES = 512 * 1024**2
MAX_LENGTH = 2**40
"""Cells along one axis."""
MAX_AXES = 32
MAX_COORDINATES = 10_000_000
"""Cells of an array with one axis, which is read whole."""
MAX_METADATA_BYTES = 64 * 1024**2
MAX_ARRAYS = 10_000

_SAFE_CODECS = {
    *("blosc", "zstd", "zlib", "gzip", "lz4", "lzma", "bz2", "delta", "fixedscaleoffset"),
    *("shuffle", "crc32", "crc32c", "adler32", "bytes", "transpose", "sharding_indexed"),
    *("quantize", "bitround", "packbits", "endian"),
}
_OTHER_TYPES = {
    *("string", "bytes", "variable_length_utf8", "variable_length_bytes"),
    *("numpy.datetime64", "numpy.timedelta64"),
}
_POINTER_BYTES = 16
_CODEC_KEYS = ("compressor", "filters", "codecs", "index_codecs", "compressors")
_NAMES = ("zarr.json", ".zarray", ".zmetadata", ".zattrs", ".zgroup")


def check_zarr(folder: Path) -> None:
    """Refuse a Zarr folder with codecs, shapes or chunks that are not read.

    Raises
    ------
    InputError
        If it holds arrays of objects, a codec that can run code, a chunk of more than
        `MAX_CHUNK_BYTES` or none, a shape that is none, or metadata that is no JSON.
    """
    for number, (path, metadata) in enumerate(_all_metadata(folder, folder)):
        if number > MAX_ARRAYS:
            raise InputError(f"{folder.name} holds more than {MAX_ARRAYS:,} arrays; cut it.")
        for codec in _codecs(metadata):
            if codec.removeprefix("numcodecs.") not in _SAFE_CODECS:
                raise InputError(
                    f"{folder.name} uses the Zarr codec {codec!r}, which is not read; expected "
                    f"one of {' '.join(sorted(_SAFE_CODECS))}. Write it again with one of them."
                )
        for array in _arrays(metadata):
            why = _fault_of(array)
            if why:
                raise InputError(
                    f"{folder.name}: {path.relative_to(folder)} declares {why}; it is damaged or "
                    "made to exhaust memory. Write it again in smaller chunks."
                )


def _all_metadata(top: Path, folder: Path) -> Iterator[tuple[Path, object]]:
    """Read the metadata of a folder and of those below it, but not among the chunks of arrays."""
    found = {name: folder / name for name in _NAMES if (folder / name).exists()}
    read = {name: _metadata(top, path) for name, path in found.items()}
    yield from ((found[name], metadata) for name, metadata in read.items())
    if ".zarray" not in found and _held(read.get("zarr.json"), "node_type") != "array":
        for below in sorted(folder.iterdir()):
            if below.is_dir() and not below.is_symlink():
                yield from _all_metadata(top, below)


def _metadata(folder: Path, path: Path) -> object:
    if not path.is_file():  # a device or pipe has no end, or never begins
        raise InputError(f"{folder.name}: {path.name} is no file; expected Zarr metadata.")
    try:
        if path.stat().st_size > MAX_METADATA_BYTES:
            raise InputError(f"{folder.name}: {path.name} is larger than any Zarr metadata.")
        return json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        told = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError(
            f"{path.relative_to(folder.parent)} is not Zarr metadata: {told}. Write it again."
        ) from error


def _arrays(node: object) -> Iterator[dict[str, object]]:
    """Find what declares an array: by itself, or among consolidated metadata."""
    if isinstance(node, list):
        for item in node:
            yield from _arrays(item)
    if isinstance(node, dict):
        if "shape" in node and ("chunks" in node or "chunk_grid" in node):
            yield node
            return
        for key, value in node.items():
            if key != "attributes":
                yield from _arrays(value)


def _fault_of(array: dict[str, object]) -> str | None:
    """Say what is wrong with an array's shape and chunks, if anything is."""
    shape = _lengths(array["shape"], least=0)
    if shape is None:
        return f"the shape {_shown(array['shape'])}"
    kind = array.get("dtype", array.get("data_type"))
    width = _bytes_of(kind)
    if width is None:
        return f"values of the type {_shown(kind)}"
    if len(shape) == 1 and shape[0] > MAX_COORDINATES:
        return f"an array of one axis with {shape[0]:,} cells"
    for declared in _chunks(array):
        chunk = _lengths(declared, least=1)
        if chunk is None or len(chunk) != len(shape):
            return f"chunks of {_shown(declared)} for the shape {_shown(shape)}"
        if math.prod(chunk) * width > MAX_CHUNK_BYTES:
            size = math.prod(chunk) * width
            return f"chunks of {size:,} bytes, where at most {MAX_CHUNK_BYTES:,} are read"
    return None


def _chunks(array: dict[str, object]) -> Iterator[object]:
    """Return the sizes of what is read at once: of a shard its inner chunks."""
    grid = array.get("chunk_grid", {"configuration": {"chunk_shape": array.get("chunks")}})
    inner = list(_inner_chunks(array.get("codecs")))
    yield from inner or [_held(_held(grid, "configuration"), "chunk_shape")]


def _inner_chunks(codecs: object) -> Iterator[object]:
    for codec in codecs if isinstance(codecs, list) else []:
        if _held(codec, "name") == "sharding_indexed":
            settings = _held(codec, "configuration")
            deeper = list(_inner_chunks(_held(settings, "codecs")))
            yield from deeper or [_held(settings, "chunk_shape")]


def _held(node: object, key: str) -> object:
    return node.get(key) if isinstance(node, dict) else None


def _lengths(value: object, *, least: int) -> list[int] | None:
    """Return lengths along axes, or None of what is none."""
    if not isinstance(value, list) or len(value) > MAX_AXES:
        return None
    whole = [item for item in value if type(item) is int and least <= item <= MAX_LENGTH]
    return whole if len(whole) == len(value) else None


def _bytes_of(dtype: object) -> int | None:
    """Return the bytes of one value; none of what is no number, date or short text."""
    name = _held(dtype, "name") if isinstance(dtype, dict) else dtype
    length = _held(_held(dtype, "configuration"), "length_bytes")
    if type(length) is int:
        return length if length > 0 else None
    if not isinstance(name, str):
        return None
    try:
        known = np.dtype(name)
    except (TypeError, ValueError):
        return _POINTER_BYTES if name in _OTHER_TYPES else None
    return None if known.kind in "OV" else known.itemsize or 1


def _shown(value: object) -> str:
    return json.dumps(value)[:80]


def _codecs(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _codecs(item)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        listed = value if isinstance(value, list) else [value]
        if key in _CODEC_KEYS:
            for codec in listed:
                if isinstance(codec, dict):
                    yield str(codec.get("id", codec.get("name", "?")))
        if key == "dtype" and value == "|O":
            yield "object"
        if key != "attributes":
            yield from _codecs(value)
