"""Layers with bytes changed by chance: each is read or refused in words, and nothing is called.

``python -m tests.fuzz.files --count 5000 --seed 1`` prints counts and writes them to
``build/fuzz/files.json``. A reader that dies is counted apart: its process is one of its own, and
the file is refused.
"""

import argparse
import json
import random
import shutil
import socket
import struct
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import rasterio
import shapely
import xarray as xr

from docs.build.reliability_page import NEW, Trial, commit, record
from minerisk.features.errors import InputError
from minerisk.features.layers.sources import Layers, RasterSource, VectorSource

PARTS = (".shx", ".dbf", ".prj", ".cpg")
SLOW_S = 120.0
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
NUMBERS = (b"0", b"-1", b"1e308", b"1e999", b"NaN", b"9" * 40, b"null", b"[[]]", b'""')
ROOT = Path(__file__).resolve().parents[2]


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
    file = chance.choice(files)
    file.write_bytes(mutated(file.read_bytes(), chance))
    return target


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


def fuzz(count: int, seed: int) -> dict[str, Any]:
    """Spoil and read `count` layers; return what became of them, by kind."""
    calls: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.TemporaryDirectory() as folder:
        threading.Thread(target=_listen, args=(server, calls), daemon=True).start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        (Path(folder) / "seeds").mkdir()
        seeds = make_seeds(Path(folder) / "seeds", address)
        counts: dict[str, Counter[str]] = {path.name: Counter() for path in seeds}
        told: dict[str, str] = {}
        for number in range(count):
            chance = random.Random(f"{seed} {number}")
            base = seeds[number % len(seeds)]
            with tempfile.TemporaryDirectory(dir=folder) as place:
                ended, words = outcome(spoil(base, Path(place), chance))
            counts[base.name][ended] += 1
            if ended in ("fault", "slow", "reader ended"):
                told.setdefault(f"{base.name} {seed} {number}", f"{ended}: {words[:300]}")
    total = sum(counts.values(), Counter())
    return {
        "count": count,
        "seed": seed,
        "calls": len(calls),
        "total": dict(total),
        "by_kind": {name: dict(found) for name, found in counts.items()},
        "told": told,
    }


def _listen(server: socket.socket, calls: list[bytes]) -> None:
    while True:
        try:
            line, _ = server.accept()
        except OSError:
            return
        with line:
            calls.append(line.recv(200))


def main(words: list[str]) -> int:
    """Print and write the counts; return 1 if there was a fault, a call or a slow file."""
    options = argparse.ArgumentParser(prog="tests.fuzz.files")
    options.add_argument("--count", type=int, default=5_000)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args(words)
    begun = time.monotonic()
    found = fuzz(given.count, given.seed)
    found["seconds"] = round(time.monotonic() - begun)
    target = ROOT / "build" / "fuzz" / "files.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    total: Counter[str] = Counter(found["total"])
    lines = [f"{total['reader ended']} ended their reader, a process of its own, and were refused"]
    lines += [f"{total[kind]} were {kind}" for kind in ("fault", "slow") if total[kind]]
    told = Trial(
        what="Layers of every kind with bytes changed at random: read, or refused in words; "
        f"nothing is called ({total['read']:,} read, {total['refused']:,} refused, "
        f"{found['calls']} calls)",
        tried=given.count,
        found=lines if total["reader ended"] else lines[1:],
        seconds=found["seconds"],
        commit=commit(),
        command="make fuzz-files",
    )
    record("fuzz_files", told, ROOT / NEW)
    return 1 if total["fault"] or total["slow"] or found["calls"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
