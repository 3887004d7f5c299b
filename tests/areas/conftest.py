"""Finished runs of the study areas and of the tiny one, with packs that were made of them."""

import os
from pathlib import Path

import pytest

from tests.areas.asking import ROOT, minerisk, square
from tests.areas.reading import Area, read_json

CONFIGS = {"demo": "karabakh", "bosnia": "bosnia"}
"""Study areas, and their configurations; a run has the name of its own."""
PART_M = 12_000


def with_packs(name: str, run: Path, folder: Path) -> Area:
    """Ask a run for its packs, as a receiver does."""
    code, refused = minerisk("request", run, "--out", folder / "no", "--public")
    assert code != 0
    assert not (folder / "no").exists()
    for language in ("en", "az"):
        asked = ["request", run, "--out", folder / language, "--language", language]
        code, said = minerisk(*asked, "--public", "--unapproved")
        assert code == 0, said
    land = square(run, folder / "middle.geojson", side_m=PART_M)
    code, said = minerisk(
        "request", run, "--out", folder / "part", "--aoi", land, "--sheets", "--clip"
    )
    assert code == 0, said
    table = folder / "az.csv"
    assert minerisk("sentences", "export", table, "--language", "az")[0] == 0
    return Area(
        name=name,
        run=run,
        simulated=read_json(run / "metrics.json")["simulated"],
        packs={
            "restricted": folder / "en",
            "public": folder / "en_public",
            "az": folder / "az",
            "az_public": folder / "az_public",
        },
        part=folder / "part",
        part_said=said,
        refused=refused,
        sentences=table,
    )


@pytest.fixture(scope="session", params=list(CONFIGS))
def area(request: pytest.FixtureRequest) -> Area:
    """A study area: its run, made where it is not there (Bosnia takes 40 minutes), and packs.

    Runs are those of MINERISK_RUNS, or ``runs``; packs are kept in MINERISK_PACKS, or
    ``build/areas``, to be looked at.
    """
    name = CONFIGS[request.param]
    if name == "bosnia" and not os.environ.get("MINERISK_DATA"):
        pytest.skip("MINERISK_DATA is not set: the layers of Bosnia are not at hand")
    run = Path(os.environ.get("MINERISK_RUNS") or ROOT / "runs") / name
    if not (run / "report.html").is_file():
        code, said = minerisk("run", ROOT / "configs" / f"{name}.yaml", "--out", run)
        assert code == 0, said[-3000:]
    folder = Path(os.environ.get("MINERISK_PACKS") or ROOT / "build" / "areas") / name
    folder.mkdir(parents=True, exist_ok=True)
    return with_packs(request.param, run, folder)


@pytest.fixture(scope="session")
def small(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Area:
    """The tiny run with its packs; no test may change it."""
    return with_packs("tiny", tiny_run, tmp_path_factory.mktemp("points"))
