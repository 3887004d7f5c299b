"""Vector layers as people have them: what is drawn, how it is written, and what it then says.

What a file says is told by geopandas and pandas and by what was drawn; nothing of minerisk is used.
"""

import datetime as dt
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from hypothesis import strategies as st

from tests.fuzz.raster_plans import SIDE, SOUTH, UTM, WEST

SUFFIXES = ("gpkg", "geojson", "shp", "fgb", "parquet", "csv")
WORDS = {
    "ASCII": ("road", "track", "No", "007"),
    "Latin-1": ("Straße", "Përroi", "señal", "road"),
    "Turkish": ("ağıl", "şose", "çay", "İz"),
    "Cyrillic": ("дорога", "тропа", "мост", "Ёлка"),
    "Azerbaijani": ("Ağdam yolu", "cığır", "Əsgəran", "körpü"),
}
ENCODINGS = {
    "ASCII": ("UTF-8", "ISO-8859-1", "1252"),
    "Latin-1": ("UTF-8", "ISO-8859-1", "1252"),
    "Turkish": ("UTF-8", "1254", "ISO-8859-9"),
    "Cyrillic": ("UTF-8", "1251"),
    "Azerbaijani": ("UTF-8",),
}
SHAPES = ("point", "multipoint", "point_z", "line", "polygon", "multipolygon", "polygon_with_hole")
CRS = (UTM, "EPSG:4326", "EPSG:3857", "EPSG:32637", "EPSG:28408", "EPSG:4284")
DATES = ("none", "iso", "date", "time", "offset", "dotted", "slashed", "milliseconds", "ambiguous")
FORMATS = {"dotted": "%d.%m.%Y", "slashed": "%d/%m/%Y", "milliseconds": "epoch_ms"}


@dataclass(frozen=True)
class VectorPlan:
    """Everything that is drawn of a vector layer.

    Attributes
    ----------
    told_crs
        The CRS of the configuration.
    dates
        How dates are written; ``ambiguous`` is dd/mm/yyyy without a format.
    keep
        Columns by which rows are kept.
    holes
        Rows without a geometry.
    """

    suffix: str = "gpkg"
    crs: str | None = UTM
    told_crs: str | None = None
    shape: str = "point"
    rows: int = 5
    holes: tuple[int, ...] = ()
    script: str = "ASCII"
    encoding: str = "UTF-8"
    dates: str = "none"
    keep: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    several: bool = False
    named: bool = True
    separator: str = ","
    decimal: str = "."
    mark: bool = False
    seed: int = 0

    @property
    def path(self) -> Path:
        """The file, relative to its folder."""
        return Path(f"a.{self.suffix}")

    @property
    def date_format(self) -> str | None:
        """The format that the configuration states."""
        return FORMATS.get(self.dates)

    def why_invalid(self) -> str | None:
        """Say why it must be refused; None where it must be read."""
        if self.crs is None and self.told_crs is None:
            return "no CRS"
        if self.crs and self.told_crs and self.crs != self.told_crs:
            return "contradicting CRS"
        if self.several and not self.named:
            return "no layer named"
        if "log" in self.beside:
            return "changes in a log beside it"
        if self.dates == "ambiguous":
            return "ambiguous dates"
        if not set(kept_rows(self)) - set(self.holes):
            return "empty"
        return None


@lru_cache
def _way(name: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(UTM, name, always_xy=True)


def days_of(plan: VectorPlan) -> list[dt.date]:
    """Draw the day of each row."""
    rng = np.random.default_rng(plan.seed + 1)
    first = dt.date(1994, 1, 13)
    days = [first + dt.timedelta(int(add)) for add in rng.integers(0, 9_000, plan.rows)]
    # So that no text of the column can be read in the other order.
    return [day.replace(day=13 + day.day % 15) for day in days]


def _shapes(plan: VectorPlan) -> list[shapely.Geometry | None]:
    rng = np.random.default_rng(plan.seed)
    found: list[shapely.Geometry | None] = []
    for row in range(plan.rows):
        x, y = WEST + rng.uniform(5, SIDE - 25), SOUTH + rng.uniform(5, SIDE - 25)
        point, square = shapely.Point(x, y), shapely.box(x, y, x + 20, y + 15)
        made = {
            "point": point,
            "point_z": shapely.Point(x, y, 300.0),
            "multipoint": shapely.MultiPoint([(x, y), (x + 5, y + 5)]),
            "line": shapely.LineString([(x, y), (x + 9, y + 4), (x + 15, y)]),
            "polygon": square,
            "multipolygon": shapely.MultiPolygon(
                [square, shapely.box(x + 30, y + 30, x + 40, y + 40)]
            ),
            "polygon_with_hole": square.difference(shapely.box(x + 5, y + 5, x + 10, y + 10)),
        }[plan.shape]
        found.append(None if row in plan.holes else made)
    return found


def _dates(plan: VectorPlan) -> list[Any]:
    days = days_of(plan)
    times = [dt.datetime.combine(day, dt.time(0, 30)) for day in days]
    return {
        "none": [None for _ in days],
        "iso": [day.isoformat() for day in days],
        "date": days,
        "time": times,
        "offset": [f"{time.isoformat()}+04:00" for time in times],
        "dotted": [f"{day:%d.%m.%Y}" for day in days],
        "slashed": [f"{day:%d/%m/%Y}" for day in days],
        "ambiguous": [f"{day:%d/%m/%Y}" for day in days],
        "milliseconds": [
            int(dt.datetime.combine(day, dt.time(12), dt.UTC).timestamp() * 1000) for day in days
        ],
    }[plan.dates]


def made(plan: VectorPlan) -> gpd.GeoDataFrame:
    """Make the rows as they are meant, in the CRS that they are stored in."""
    words = WORDS[plan.script]
    columns: dict[str, Any] = {
        "name": [words[row % len(words)] for row in range(plan.rows)],
        "rank": [row % 3 for row in range(plan.rows)],
        "share": [row / 4 for row in range(plan.rows)],
    }
    if plan.dates != "none":
        columns["date"] = pd.Series(_dates(plan))
        if plan.dates == "time":
            columns["date"] = columns["date"].astype("datetime64[ms]")
    frame = gpd.GeoDataFrame(columns, geometry=_shapes(plan), crs=UTM)
    return frame.to_crs(plan.crs or plan.told_crs or "EPSG:4326")


def write(plan: VectorPlan, root: Path) -> None:
    """Write the layer, and what lies beside it."""
    frame, path = made(plan), root / plan.path
    if plan.crs is None:
        frame = frame.set_crs(None, allow_override=True)
    if plan.suffix == "csv":
        _write_csv(plan, frame, path)
    elif plan.suffix == "parquet":
        frame.to_parquet(path)
    elif plan.suffix == "shp":
        pyogrio.write_dataframe(frame, path, encoding=_of_gdal(plan.encoding))
        path.with_suffix(".cpg").write_text(plan.encoding)
    else:
        layer = {"layer": "first"} if plan.suffix == "gpkg" else {}
        pyogrio.write_dataframe(frame, path, **layer)
    if plan.several:
        pyogrio.write_dataframe(frame.iloc[:1], path, layer="second", append=True)
    for name in plan.beside:
        end = {"log": "-wal", "empty_log": "-wal", "index": ".qix"}[name]
        content = b"7\x7f\x06\x82" * 8 if name == "log" else b""
        path.with_name((path.stem if name == "index" else path.name) + end).write_bytes(content)


def _of_gdal(encoding: str) -> str:
    return f"CP{encoding}" if encoding.isdigit() else encoding


def _write_csv(plan: VectorPlan, frame: gpd.GeoDataFrame, path: Path) -> None:
    table = frame.drop(columns="geometry").assign(lon=frame.geometry.x, lat=frame.geometry.y)
    encoding = "utf-8-sig" if plan.mark else "utf-8"
    table.to_csv(path, index=False, sep=plan.separator, decimal=plan.decimal, encoding=encoding)


def keep_of(plan: VectorPlan) -> dict[str, tuple[Any, ...]]:
    """Give the values by which rows are kept."""
    words = WORDS[plan.script]
    values: dict[str, tuple[Any, ...]] = {"name": (words[0], words[2]), "rank": (0, 2)}
    return {column: values[column] for column in plan.keep}


def kept_rows(plan: VectorPlan) -> list[int]:
    """List the rows that are kept."""
    words = WORDS[plan.script]
    return [
        row
        for row in range(plan.rows)
        if ("name" not in plan.keep or words[row % len(words)] in keep_of(plan)["name"])
        and ("rank" not in plan.keep or row % 3 in keep_of(plan)["rank"])
    ]


def independent(plan: VectorPlan, root: Path) -> gpd.GeoDataFrame:
    """Read the rows that are kept and have a geometry by geopandas or pandas, in UTM."""
    path = root / plan.path
    crs = plan.crs or plan.told_crs
    if plan.suffix == "csv":
        encoding = "utf-8-sig" if plan.mark else "utf-8"
        types = {"name": str, "date": str}
        table = pd.read_csv(
            path, sep=plan.separator, decimal=plan.decimal, encoding=encoding, dtype=types
        )
        shapes = gpd.points_from_xy(table["lon"], table["lat"])
        shapes[table["lon"].isna()] = None
        frame = gpd.GeoDataFrame(table, geometry=shapes, crs=crs)
    elif plan.suffix == "parquet":
        frame = gpd.read_parquet(path)
    else:
        layer = {"layer": "first"} if plan.suffix == "gpkg" else {}
        encoding = {"encoding": _of_gdal(plan.encoding)} if plan.suffix == "shp" else {}
        frame = pyogrio.read_dataframe(path, **layer, **encoding)
    frame = frame.set_crs(crs, allow_override=True)
    for column, values in keep_of(plan).items():
        frame = frame[frame[column].isin(values)]
    there = ~(frame.geometry.isna() | frame.geometry.is_empty)
    frame = frame[there]
    # Heights take no part: what a height above the sea does to a datum shift is not known.
    frame.geometry = shapely.force_2d(frame.geometry.array)
    return frame.to_crs(UTM).reset_index(drop=True)


@st.composite
def vector_plans(draw: st.DrawFn) -> VectorPlan:
    """Draw a vector layer; about one in six has to be refused."""
    suffix = draw(st.sampled_from(SUFFIXES))
    script = draw(st.sampled_from(sorted(WORDS)))
    rows = draw(st.integers(3, 9))
    holes = draw(st.sampled_from([(), (), (1,), (0, 2)]))
    plan = VectorPlan(
        suffix=suffix,
        crs=draw(st.sampled_from(CRS)),
        shape="point" if suffix == "csv" else draw(st.sampled_from(SHAPES)),
        rows=rows,
        holes=() if suffix == "fgb" else holes,
        script=script,
        dates=draw(st.sampled_from(DATES[:-1])),
        keep=draw(st.sampled_from([(), (), ("name",), ("rank",), ("name", "rank")])),
        seed=draw(st.integers(0, 10_000)),
    )
    if draw(st.integers(0, 14)) == 7:
        plan = replace(plan, dates="ambiguous")
    if suffix == "csv":
        # The CRS of a CSV file is that of the configuration.
        separator = draw(st.sampled_from([",", ";", "\t"]))
        return replace(
            plan,
            crs=None,
            told_crs=plan.crs,
            separator=separator,
            decimal="," if separator == ";" and draw(st.booleans()) else ".",
            mark=draw(st.booleans()),
        )
    if suffix == "shp":
        plan = replace(plan, encoding=draw(st.sampled_from(ENCODINGS[script])))
        plan = replace(plan, beside=draw(st.sampled_from([(), ("index",)])))
    if suffix == "gpkg":
        beside = draw(st.sampled_from([(), (), (), (), ("empty_log",), ("log",)]))
        several = draw(st.integers(0, 3)) == 3
        named = not several or draw(st.integers(0, 3)) != 3
        plan = replace(plan, beside=beside, several=several, named=named)
    if suffix in ("shp", "gpkg", "parquet") and draw(st.integers(0, 5)) == 5:
        told = draw(st.sampled_from([plan.crs, plan.crs, None]))
        plan = replace(plan, crs=None, told_crs=told) if suffix == "shp" else plan
    return plan if plan.crs is None or draw(st.booleans()) else replace(plan, told_crs=plan.crs)
