"""How a cube's layers are packed, and a tile of one written straight into its chunk files."""

import os
from pathlib import Path
from typing import Any, Final

import numcodecs.blosc
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec

CNAME: Final = "lz4"
LEVEL, BLOCK_BYTES = 1, 65_536


def packing() -> BloscCodec:
    """Return the codec of the cube's arrays: LZ4 of bytes of like significance put together."""
    return BloscCodec(cname=CNAME, clevel=LEVEL, shuffle="shuffle", blocksize=BLOCK_BYTES)


def write_tile(
    array: zarr.Array[Any],
    values: NDArray[np.float32],
    *,
    row: int,
    column: int,
    folder: Path,
    scratch: Path,
) -> None:
    """Write the chunks that a tile is made of, the same files as Zarr writes.

    Zarr compares each chunk with its fill, copies it twice and hands it from thread to thread,
    which takes more time than packing does.

    Parameters
    ----------
    array
        float32 ``(y, x)``, packed by `packing`, its fill NaN.
    values
        The tile. It begins at whole chunks, and ends there or with the array.
    row, column
        Where the tile begins in the array, cells.
    folder
        Where the array lies.
    scratch
        A folder on the same disk, for files that are not whole yet.

    Notes
    -----
    A chunk without a value has no file; one at the array's edge is filled up with NaN.
    """
    down, across = array.chunks
    codec = numcodecs.blosc.Blosc(
        cname=CNAME, clevel=LEVEL, shuffle=numcodecs.blosc.SHUFFLE, blocksize=BLOCK_BYTES
    )
    begun = scratch / f"{os.getpid()}.chunk"
    for top in range(0, values.shape[0], down):
        for left in range(0, values.shape[1], across):
            part = values[top : top + down, left : left + across]
            if np.isnan(part[0, 0]) and np.isnan(part).all():
                continue
            chunk = np.ascontiguousarray(part)
            if part.shape != (down, across):
                chunk = np.full((down, across), np.nan, dtype=np.float32)
                chunk[: part.shape[0], : part.shape[1]] = part
            place = (row + top) // down, (column + left) // across
            path = folder / array.metadata.encode_chunk_key(place)
            path.parent.mkdir(parents=True, exist_ok=True)
            begun.write_bytes(codec.encode(chunk))
            begun.replace(path)
