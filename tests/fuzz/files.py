"""Layers with bytes changed by chance: each is read or refused in words, and nothing is called.

``python -m tests.fuzz.files --count 5000`` goes on after the last number of its record. One layer
in twenty is made to exhaust memory or time instead. A reader that dies is counted apart: its
process is one of its own, and the file is refused.
"""

import argparse
import random
import shutil
import socket
import sqlite3
import struct
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import rasterio
import shapely
import xarray as xr

from docs.build.records import commit
from docs.build.reliability_page import Trial, added, last_seed, record, recorded
from minerisk.features.errors import InputError
from minerisk.features.layers.sources import Layers, RasterSource, VectorSource

PARTS = (".shx", ".dbf", ".prj", ".cpg")
SLOW_S = 120.0
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
NUMBERS = (b"0", b"-1", b"1e308", b"1e999", b"NaN", b"9" * 40, b"null", b"[[]]", b'""')
NAME, SEED = "fuzz_files", 1
STRETCH = 250
"""Layers between two writings of the record."""
BOMBS = 20
"""One layer of so many is made to exhaust memory or time."""


@dataclass
class Found:
    """What became of spoiled layers."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    calls: list[bytes] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)


WRONG = ("fault", "slow")


def make_seeds(folder: Path, address: str) -> list[Path]:
    """Write a small valid layer of every kind; texts in them name an address that listens."""
    shapes = [shapely.Point(500_000 + 10 * n, 4_400_000).buffer(5 + n) for n in range(12)]
    words = [f"{address}/{n}" for n in range(12)]
    columns = {"name": words, "count": range(12), "day": pd.date_range("2020-01-01", periods=12)}
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:32638")
    for name in ("a.gpkg", "a.geojson", "a.fgb", "a.shp"):
        frame.drop(columns="day" if name == "a.shp" else []).to_file(folder / name)
    frame.to_parquet(folder / "a.parquet")
    places = shapely.get_coordinates(shapely.centroid(shapes))
    table = frame.drop(columns="geometry").assign(e=places[:, 0], n=places[:, 1])
    table.to_csv(folder / "a.csv", index=False)
    values = np.arange(64 * 48, dtype="f4").reshape(64, 48)
    profile = {"width": 48, "height": 64, "count": 1, "dtype": "float32", "crs": "EPSG:32638"}
    profile["transform"] = rasterio.transform.from_origin(500_000, 4_400_000, 10, 10)
    for name, more in (("a.tif", {}), ("b.tif", {"compress": "deflate", "tiled": True})):
        tiles = {"blockxsize": 16, "blockysize": 16} if more else {}
        with rasterio.open(folder / name, "w", driver="GTiff", **profile, **more, **tiles) as file:
            file.write(values, 1)
            file.update_tags(note=address)
    mapping = xr.DataArray(0, attrs={"crs_wkt": pyproj.CRS("EPSG:32638").to_wkt()})
    array = xr.DataArray(values, dims=("y", "x"), attrs={"grid_mapping": "spatial_ref"})
    at = {"y": 4_400_000 - np.arange(64) * 10.0, "x": 500_000 + np.arange(48) * 10.0}
    dataset = xr.Dataset({"a": array}, coords={**at, "spatial_ref": mapping})
    for version in (2, 3):
        dataset.to_zarr(folder / f"a{version}.zarr", zarr_format=version, consolidated=False)
    return sorted(path for path in folder.iterdir() if path.suffix not in PARTS)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Change a few bytes, numbers or stretches of a file."""
    held = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        if not held:
            break
        at = chance.randrange(len(held))
        chance.choice(CHANGES)(held, at, chance)
    return bytes(held)


def _flip(held: bytearray, at: int, chance: random.Random) -> None:
    held[at] ^= 1 << chance.randrange(8)


def _overwrite(held: bytearray, at: int, chance: random.Random) -> None:
    held[at : at + 8] = chance.randbytes(chance.randrange(1, 9))


def _extreme(held: bytearray, at: int, chance: random.Random) -> None:
    number, width = chance.choice(EXTREMES), chance.choice("BHIQ")
    packed = struct.pack(f"{chance.choice('<>')}Q", number)[: struct.calcsize(width)]
    held[at : at + len(packed)] = packed


def _cut(held: bytearray, at: int, chance: random.Random) -> None:
    del held[at : at + chance.choice((1, 7, 64, len(held)))]


def _repeat(held: bytearray, at: int, chance: random.Random) -> None:
    held[at:at] = held[at : at + 64] * chance.choice((1, 2, 100))


def _number(held: bytearray, at: int, chance: random.Random) -> None:
    """Put a number of text into the place of another, where there is one."""
    end = at
    while end < len(held) and chr(held[end]).isdigit():
        end += 1
    held[at:end] = chance.choice(NUMBERS)


CHANGES: tuple[Callable[[bytearray, int, random.Random], None], ...] = (
    *(_flip, _flip, _flip, _flip, _overwrite, _overwrite, _extreme, _extreme, _number, _number),
    *(_cut, _repeat),
)


def spoil(seed: Path, folder: Path, chance: random.Random) -> Path:
    """Copy a layer with one of its files changed."""
    target = folder / seed.name
    if seed.is_dir():
        shutil.copytree(seed, target)
        files = sorted(path for path in target.rglob("*") if path.is_file())
    else:
        for part in seed.parent.glob(f"{seed.stem}.*" if seed.suffix == ".shp" else seed.name):
            shutil.copy(part, folder / part.name)
        parts = (".shp", *PARTS) if seed.suffix == ".shp" else (seed.suffix,)
        files = [target.with_suffix(suffix) for suffix in parts]
        if chance.randrange(BOMBS) == 0 and seed.suffix in (".csv", ".geojson", ".parquet",
                                                            ".tif", ".gpkg"):  # fmt: skip
            bomb(target, chance)
            return target
    file = chance.choice(files)
    file.write_bytes(mutated(file.read_bytes(), chance))
    return target


def bomb(path: Path, chance: random.Random) -> None:
    """Make a layer of a few bytes that would take memory or time without end, if it were read."""
    many = chance.randrange(2_001, 30_000)
    if path.suffix == ".csv":
        wide = ",".join(f"c{number}" for number in range(many))
        path.write_text(chance.choice((f"e,n,{wide}\n1,2\n", "e,n\n" + "1" * 17_000_000 + ",2\n")))
    elif path.suffix == ".geojson":
        words = ",".join(f'"c{number}":1' for number in range(many))
        deep = "[" * 100_000
        head = '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{'
        shape = '},"geometry":{"type":"Point","coordinates":'
        path.write_text(head + chance.choice((f"{words}{shape}[1,2]", f"{shape}{deep}")) + "}}]}")
    elif path.suffix == ".parquet":
        words = pa.DictionaryArray.from_arrays(np.zeros(4_000_000, "i4"), ["w" * 10_000])
        table = pq.read_table(path)
        pq.write_table(pa.table({"geometry": words}).replace_schema_metadata(table.schema.metadata),
                       path)  # fmt: skip
    elif path.suffix == ".tif":
        place = rasterio.transform.from_origin(500_000, 4_400_000, 10, 10)
        with rasterio.open(path, "w", driver="GTiff", width=2_000_000, height=2_000_000, count=1,
                           dtype="float64", crs="EPSG:32638", transform=place, sparse_ok=True,
                           tiled=True, blockxsize=chance.choice((256, 16_384)),
                           blockysize=16_384, bigtiff="yes"):  # fmt: skip
            pass
    elif path.suffix == ".gpkg":
        with sqlite3.connect(path) as package:
            package.executescript(
                "ALTER TABLE a RENAME TO b; CREATE VIEW a AS WITH RECURSIVE n(fid) AS (SELECT 1 "
                "UNION ALL SELECT fid + 1 FROM n) SELECT fid, NULL AS geom FROM n;"
            )
        package.close()


def outcome(path: Path) -> tuple[str, str]:
    """Read a layer as a run does, and tell how it ended."""
    raster = path.suffix in (".tif", ".zarr")
    columns = (
        {"easting": "e", "northing": "n", "crs": "EPSG:32638"} if path.suffix == ".csv" else {}
    )
    source = RasterSource(Path(path.name)) if raster else VectorSource(Path(path.name), **columns)
    layers = Layers({"a": source}, path.parent)
    begun = time.monotonic()
    try:
        if raster:
            band = layers.band("a")
            band.read(slice(0, min(band.shape[0], 512)), slice(0, min(band.shape[1], 512)))
        else:
            layers.vector("a", crs="EPSG:32638")
    except InputError as error:
        told = str(error)
        if time.monotonic() - begun > SLOW_S or "takes longer than" in told:
            return "slow", told
        return ("reader ended" if "its reader ended" in told else "refused"), told
    except Exception as error:  # noqa: BLE001 - what is looked for
        return "fault", f"{type(error).__name__}: {error}"
    return "read", ""


def fuzz(numbers: range) -> Found:
    """Spoil and read a layer for each number; return what became of them, by kind."""
    found = Found()
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.TemporaryDirectory() as folder:
        threading.Thread(target=_listen, args=(server, found.calls), daemon=True).start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        (Path(folder) / "seeds").mkdir()
        seeds = make_seeds(Path(folder) / "seeds", address)
        found.kinds.update(path.name for path in seeds)
        for number in numbers:
            chance = random.Random(f"{SEED} {number}")
            base = seeds[number % len(seeds)]
            with tempfile.TemporaryDirectory(dir=folder) as place:
                ended, words = outcome(spoil(base, Path(place), chance))
            found.outcomes[ended] += 1
            if ended in WRONG:
                found.wrong.append(f"{base.name}, number {number}, {ended}: {words[:200]}")
    return found


def _listen(server: socket.socket, calls: list[bytes]) -> None:
    while True:
        try:
            line, _ = server.accept()
        except OSError:
            return
        with line:
            calls.append(line.recv(200))


def main() -> None:
    """Spoil layers from the first that is not on record, and add what became of them to it."""
    options = argparse.ArgumentParser(prog="tests.fuzz.files")
    options.add_argument("--count", type=int, default=5_000, help="in all, with those on record")
    options.add_argument("--minutes", type=float, default=float("inf"), help="stop after these")
    given = options.parse_args()
    begun, wrong = time.monotonic(), 0
    for first in range(last_seed(NAME) + 1, given.count, STRETCH):
        if time.monotonic() - begun > 60 * given.minutes:
            break
        last, start = min(first + STRETCH, given.count), time.monotonic()
        found = fuzz(range(first, last))
        found.wrong += [f"called: {call!r}" for call in found.calls]
        wrong += len(found.wrong)
        seconds = round(time.monotonic() - start, 1)
        sys.stdout.write(
            "\n".join([f"{last:,}: {dict(found.outcomes)}, {seconds} s", *found.wrong])
        )
        sys.stdout.write("\n")
        sys.stdout.flush()
        now = Trial(
            what="Layers of every kind with bytes changed at random, one in twenty made to exhaust "
            "memory or time: read, or refused in words; nothing is called",
            tried=last - first,
            found=found.wrong,
            seconds=seconds,
            commit=commit(),
            command="make fuzz-files",
            asked=given.count,
            outcomes=dict(found.outcomes),
            seeds=[[first, last - 1]],
        )
        record(NAME, added(recorded(NAME), now))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
