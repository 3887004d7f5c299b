"""Tables and layers as Arrow, for the way from one process to another: what goes in comes out.

But for one thing: words lose the characters that steer what shows them (`plain_text`), so whatever
reads a layer or table has plain words.
"""

import datetime as dt
import decimal
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.plain_text import plain_text

Floats = NDArray[np.float64]

_FACTS = b"minerisk"
_STEERING = (
    r"[\x00-\x1f\x7f-\x{9f}\x{61c}\x{200b}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2060}-\x{2064}"
    r"\x{2066}-\x{206f}\x{feff}\x{fff9}-\x{fffb}\x{e0000}-\x{e007f}]"
)
"""What `plain_text` takes out, for Arrow's regular expressions."""


@dataclass(frozen=True)
class _Column:
    """How a column was written."""

    name: str
    kind: str
    dtype: str
    crs: str | None = None


def frame_bytes(frame: pd.DataFrame) -> pa.Buffer:
    """Write a table or layer as an Arrow stream.

    Raises
    ------
    InputError
        If a column holds what is no value of a table, or two names differ in characters only that
        nobody sees.
    """
    names = [plain_text(str(name)) for name in frame.columns]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise InputError(f"The columns {twice} are there twice. Rename them.")
    written = [_written(name, frame.iloc[:, place]) for place, name in enumerate(names)]
    is_layer = isinstance(frame, gpd.GeoDataFrame)
    shown = frame.geometry.name if is_layer else None
    place = next((at for at, name in enumerate(frame.columns) if name == shown), -1)
    facts = {"columns": [asdict(column) for column, _ in written], "geometry": place}
    table = pa.table([values for _, values in written], names=list(map(str, range(len(names)))))
    table = table.replace_schema_metadata({_FACTS: json.dumps(facts | {"rows": len(frame)})})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def to_frame(body: memoryview) -> pd.DataFrame:
    """Read what `frame_bytes` wrote."""
    with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
        table = reader.read_all()
    facts = json.loads(table.schema.metadata[_FACTS])
    columns = [_Column(**column) for column in facts["columns"]]
    index = pd.RangeIndex(facts["rows"])
    read = {
        column.name: _read(column, values.combine_chunks(), index)
        for column, values in zip(columns, table.columns, strict=True)
    }
    frame = pd.DataFrame(read, index=index, columns=[column.name for column in columns])
    if facts["geometry"] < 0:
        return frame
    return gpd.GeoDataFrame(frame, geometry=columns[facts["geometry"]].name)


def array_bytes(array: NDArray[np.generic]) -> pa.Buffer:
    """Write an array as an Arrow tensor."""
    sink = pa.BufferOutputStream()
    pa.ipc.write_tensor(pa.Tensor.from_numpy(np.ascontiguousarray(array)), sink)
    return sink.getvalue()


def to_array(body: memoryview) -> NDArray[Any]:
    """Read what `array_bytes` wrote."""
    return np.asarray(pa.ipc.read_tensor(pa.py_buffer(body)).to_numpy())


def _written(name: str, column: pd.Series) -> tuple[_Column, pa.Array]:
    dtype = str(column.dtype)
    if dtype == "geometry":
        crs = None if column.array.crs is None else column.array.crs.srs
        shapes = shapely.to_wkb(np.asarray(column.array, dtype=object))
        return _Column(name, "shapes", dtype, crs), pa.array(shapes, pa.large_binary())
    if column.dtype.kind in "mM":
        ticks = column.array.asi8
        return _Column(name, "ticks", dtype), pa.array(ticks)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
        return _Column(name, "numbers", dtype), pa.array(column.to_numpy(), from_pandas=False)
    if column.dtype.kind == "O" and dtype in ("object", "str", "string"):
        return _written_objects(name, column)
    return _Column(name, "own", dtype), pa.array(column)


def _written_objects(name: str, column: pd.Series) -> tuple[_Column, pa.Array]:
    dtype = str(column.dtype)
    if dtype != "object":
        return _Column(name, "words", dtype), _plain(column)
    kinds = {type(value) for value in column}
    nothing = {type(value) for value in column if pd.api.types.is_scalar(value) and pd.isna(value)}
    if kinds - nothing <= {str} and nothing in (set(), {type(None)}, {float}):
        kind = "nan words" if float in nothing else "words"
        return _Column(name, kind, dtype), _plain(column)
    if kinds <= {bytes, type(None)}:
        return _Column(name, "bytes", dtype), pa.array(column, pa.large_binary())
    cells = [json.dumps(_tagged(name, value)) for value in column]
    return _Column(name, "cells", dtype), pa.array(cells, pa.large_string())


def _plain(column: pd.Series) -> pa.Array:
    words = pa.array(column, pa.large_string(), from_pandas=True)
    if not pc.any(pc.match_substring_regex(words, _STEERING)).as_py():
        return words
    freed = [None if word is None else plain_text(word) for word in words.to_pylist()]
    return pa.array(freed, pa.large_string())


def _tagged(name: str, value: object) -> object:
    """Return a value with the name of its type, as JSON can hold it."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, np.generic):
        return _tagged(name, value.item())
    if isinstance(value, list | tuple | np.ndarray):
        return {"list": [_tagged(name, item) for item in value]}
    if isinstance(value, dict):
        return {"dict": {plain_text(str(key)): _tagged(name, held) for key, held in value.items()}}
    for kind, (holds, write, _) in _TAGS.items():
        if isinstance(value, holds):
            return {kind: write(value)}
    if value is pd.NA:
        return {"NA": None}
    raise InputError(
        f"The column {name} holds values of the kind {type(value).__name__}, which are not read. "
        "Export it without them."
    )


def _untagged(value: object) -> object:
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind == "list":
        return [_untagged(item) for item in held]
    if kind == "dict":
        return {key: _untagged(item) for key, item in held.items()}
    return pd.NA if kind == "NA" else _TAGS[kind][2](held)


_TAGS: dict[str, tuple[type, Callable[[Any], object], Callable[[Any], object]]] = {
    "NaT": (type(pd.NaT), lambda value: None, lambda held: pd.NaT),
    "stamp": (pd.Timestamp, lambda value: value.isoformat(), pd.Timestamp),
    "datetime": (dt.datetime, lambda value: value.isoformat(), dt.datetime.fromisoformat),
    "date": (dt.date, lambda value: value.isoformat(), dt.date.fromisoformat),
    "time": (dt.time, lambda value: value.isoformat(), dt.time.fromisoformat),
    "span": (pd.Timedelta, lambda value: value.isoformat(), pd.Timedelta),
    "bytes": (bytes, lambda value: value.hex(), bytes.fromhex),
    "decimal": (decimal.Decimal, str, decimal.Decimal),
}
"""How a kind of value is told, written and read; the first that fits counts."""


def _read(column: _Column, values: pa.Array, index: pd.Index) -> pd.Series:
    if column.kind == "shapes":
        shapes = shapely.from_wkb(values.to_numpy(zero_copy_only=False))
        return gpd.GeoSeries(shapes, index=index, crs=column.crs)
    if column.kind == "ticks":
        dtype = pd.api.types.pandas_dtype(column.dtype)
        if isinstance(dtype, pd.DatetimeTZDtype):
            naive = pd.Series(values.to_numpy().view(f"M8[{dtype.unit}]"), index=index)
            return naive.dt.tz_localize("UTC").dt.tz_convert(dtype.tz)
        return pd.Series(values.to_numpy().view(str(column.dtype)), index=index)
    if column.kind == "numbers":
        held = values.to_numpy(zero_copy_only=False)
        return pd.Series(held.astype(column.dtype, copy=not held.flags.writeable), index=index)
    if column.kind == "own":
        return _own(column, values, index)
    if column.kind == "cells":
        read = [_untagged(json.loads(cell)) for cell in values.to_pylist()]
        return pd.Series(_objects(read), index=index, dtype=object)
    held = values.to_numpy(zero_copy_only=False)
    if column.kind == "nan words":
        held = np.where(pd.isna(held), np.nan, held)
    return pd.Series(held, index=index, dtype=column.dtype)


def _own(column: _Column, values: pa.Array, index: pd.Index) -> pd.Series:
    """Read a type of pandas that Arrow knows: categories, and numbers that may be missing."""
    if pa.types.is_dictionary(values.type):
        return values.to_pandas().set_axis(index)
    dtype: Any = pd.api.types.pandas_dtype(column.dtype)
    return pd.Series(dtype.__from_arrow__(values), index=index)


def _objects(values: list[object]) -> NDArray[np.object_]:
    held = np.empty(len(values), dtype=object)
    held[:] = values
    return held
