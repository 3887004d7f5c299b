"""The desk as a server: from click to map, tiles beside a job, many people, memory, a long time.

``MINERISK_SOAK_S`` is how many seconds the last one lasts: two minutes, and an hour by
``make soak``.
"""

import json
import os
import sys
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from tests.benchmarks.desk_load import (
    Served,
    call,
    desk,
    many,
    tiles_of,
    titiler,
)
from tests.benchmarks.record import record
from tests.pipelines.service.real_server import free_port

pytestmark = pytest.mark.benchmark

ROUNDS, PEOPLE = 5, 200
COMMAND = "pytest -m benchmark -s tests/benchmarks/test_desk_service.py"
SIDE_DEG = (0.1165, 0.0901)
"""Of 10 by 10 km at 39.5 degrees north."""


@pytest.fixture(scope="module")
def served(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with desk(tiny_run, tmp_path_factory.mktemp("load"), people=PEOPLE) as found:
        yield found


def facts(served: Served) -> dict[str, float]:
    return json.loads(call(served.port, f"/api/runs/{served.run}", served.headers(0))[1])


def places(served: Served, name: str = "class") -> list[str]:
    land = facts(served)
    box = (land["west"], land["south"], land["east"], land["north"])
    found = [each for zoom in (10, 11, 12, 13) for each in tiles_of(*box, zoom)]
    paths = [f"/tiles/runs/{served.run}/any/{name}/{each}.png" for each in found]
    return [path for path in paths if call(served.port, path, served.headers(0))[0] == 200]


def ask(served: Served, number: int, box: tuple[float, float, float, float]) -> str:
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    land = {"type": "Polygon", "coordinates": [ring]}
    body = {"inputs": {"run": served.run, "area": land, "clip": True}}
    status, found = call(
        served.port, "/api/ogc/processes/risk-map/execution", served.headers(number), body=body
    )
    assert status == 201, found
    return json.loads(found)["jobID"]


def wait_drawn(served: Served, number: int, job: str) -> None:
    """Wait until the map of a request can be looked at, asking as its page does, but more often."""
    while True:
        found = json.loads(call(served.port, f"/api/requests/{job}", served.headers(number))[1])
        if found["drawn"] or found["usable"]:
            return
        assert found["state"] in {"waiting", "running"}, found
        time.sleep(0.05)


def wait_done(served: Served, number: int, job: str) -> None:
    while True:
        found = json.loads(call(served.port, f"/api/ogc/jobs/{job}", served.headers(number))[1])
        if found["status"] not in {"accepted", "running"}:
            assert found["status"] == "successful", found
            return
        time.sleep(0.02)


def boxes(served: Served) -> Iterator[tuple[float, float, float, float]]:
    """Areas of 100 km², none twice."""
    land = facts(served)
    for step in range(1_000):
        shift = 0.001 * step
        west = land["west"] + 0.05 + shift % 0.1
        south = land["south"] + 0.05 + shift / 10
        yield west, south, west + SIDE_DEG[0], south + SIDE_DEG[1]


def test_from_click_to_map(served: Served) -> None:
    """A request of 100 km², from the call that asks to the first tile of its map, and its pack."""
    areas, took, packed = boxes(served), [], []
    for turn in range(ROUNDS + 2):  # the first two are to warm
        box = next(areas)
        begun = time.perf_counter()
        job = ask(served, 0, box)
        wait_drawn(served, 0, job)
        tile = tiles_of(*box, 11)[0]
        status, _ = call(served.port, f"/tiles/requests/{job}/class/{tile}.png", served.headers(0))
        seen = time.perf_counter() - begun
        assert status == 200
        wait_done(served, 0, job)
        if turn > 1:
            took.append(seen)
            packed.append(time.perf_counter() - begun)
    record("desk_1_click_to_map", "desk: a request of 100 km², from click to map", took,
           unit="s", at_most=2.0, command=COMMAND)  # fmt: skip
    record("desk_1_click_to_pack", "desk: the same, until its pack can be downloaded", packed,
           unit="s", command=COMMAND)  # fmt: skip


def test_tiles_beside_a_job_and_plain_titiler_by_turns(served: Served) -> None:
    paths = places(served)
    cog = served.folder / "rasters" / "risk_class.tif"
    query = urllib.parse.urlencode({"url": str(cog), "rescale": "0,5"})
    beside = {path: f"/tiles/WebMercatorQuad/{'/'.join(path.split('/')[-3:])}?{query}"
              for path in paths}  # fmt: skip
    port, areas = free_port(), boxes(served)
    calls, lines = 400, 4
    heads = [served.headers(1 + number) for number in range(lines)]
    ours, theirs, late = [], [], []
    with titiler(port):
        # Where both have a tile: at the edge of the raster they round apart.
        beside = {own: its for own, its in beside.items() if call(port, its, {})[0] == 200}
        paths, plain = list(beside), list(beside.values())
        many(port, plain, [{}], lines=lines, calls=len(plain))
        many(served.port, paths, heads, lines=lines, calls=len(paths))
        for turn in range(ROUNDS):
            # The same job beside both: requests that wait for the one worker.
            jobs = [ask(served, 20 + turn, next(areas)) for _ in range(2)]
            mine = many(served.port, paths, heads, lines=lines, calls=calls)
            for job in jobs:
                wait_done(served, 20 + turn, job)
            jobs = [ask(served, 40 + turn, next(areas)) for _ in range(2)]
            other = many(port, plain, [{}], lines=lines, calls=calls)
            for job in jobs:
                wait_done(served, 40 + turn, job)
            assert not mine.wrong, mine.wrong[:5]
            assert not other.wrong, other.wrong[:5]
            ours.append(1_000 / mine.rate)
            theirs.append(1_000 / other.rate)
            late.append(mine.centile_ms(0.99))
    sys.stdout.write(f"\n{median(1_000 / each for each in ours):.0f} tiles a second\n")
    record("desk_2_tiles", "desk: tiles of a map beside a job, 4 lines", ours,
           {"plain titiler, same COG": theirs}, unit="ms a tile", at_most=20.0, times=1.0,
           command=COMMAND)  # fmt: skip
    record("desk_3_tiles_late", "desk: 99th percentile of the time of a tile beside a job", late,
           unit="ms", at_most=100.0, command=COMMAND)  # fmt: skip


def test_two_hundred_people_at_once(served: Served) -> None:
    """Each has an account and a line of their own, and looks at tiles of the map."""
    paths = places(served)
    heads = [served.headers(number) for number in range(PEOPLE)]
    found = [many(served.port, paths, heads, lines=PEOPLE, calls=4 * PEOPLE) for _ in range(3)]
    wrong = [each for load in found for each in load.wrong]
    assert not wrong, wrong[:10]
    record("desk_4_people", "desk: 200 people at once, median time of a tile",
           [load.centile_ms(0.5) for load in found], unit="ms", command=COMMAND)  # fmt: skip
    record("desk_5_memory", "desk: memory of the server after them",
           [served.memory_mb() / 1_000], unit="GB", at_most=0.5, command=COMMAND)  # fmt: skip


def test_memory_does_not_grow(served: Served) -> None:
    """Tiles, pages and requests for a while: what the server has at its end as at its middle."""
    lasts = float(os.environ.get("MINERISK_SOAK_S", "120"))
    paths, areas = places(served), boxes(served)
    paths += [f"/api/runs/{served.run}", "/api/ogc/collections", "/api/stac/search"]
    heads = [served.headers(number) for number in range(60, 100)]
    begun, memory, asked = time.monotonic(), [], 0
    while time.monotonic() - begun < lasts:
        if asked % 10 == 0:
            wait_done(served, 100, ask(served, 100, next(areas)))
        asked += 1
        load = many(served.port, paths, heads, lines=8, calls=160)
        assert not load.wrong, load.wrong[:5]
        memory.append((time.monotonic() - begun, served.memory_mb()))
    at, used = np.array(memory).T
    second = at > lasts / 2
    slope = np.polyfit(at[second], used[second], 1)[0] * 3_600
    sys.stdout.write(
        f"\nsoak of {lasts:.0f} s: {used[0]:.0f} MB, {median(used[~second]):.0f} MB in the first "
        f"half, {median(used[second]):.0f} MB in the second, {used[-1]:.0f} MB at the end "
        f"({slope:+.0f} MB an hour by its slope)\n"
    )
    record("desk_6_soak", f"desk: memory of the server, second half of {lasts:.0f} s by the first",
           [median(used[second]) / median(used[~second])], unit="times", at_most=1.05,
           command=COMMAND)  # fmt: skip
