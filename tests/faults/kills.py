"""Kill every command at seeded instants, give it again, and demand the bytes of an undisturbed one.

``python -m tests.faults.kills --count 200`` (``make kills``) makes one small finished run, then
kills each command once and more that are drawn, each at an instant that its number decides. It goes
on after the last number on record. Half of the instants are file operations of the process (the
n-th file that is opened to write, renamed or removed, before it is done), which are the same on
every machine; half are times, which also fall into GDAL, SQLite and the workers.

After each kill, with nothing tidied up, the command (or the one that is documented to go on) is
given again. Then every file must be as an undisturbed command leaves it, apart from those that two
undisturbed ones leave different, the trail must verify, and nothing half written may be left. An
earlier pack must be there, whole, at any time.
"""

import argparse
import hashlib
import importlib
import json
import multiprocessing
import os
import pkgutil
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import yaml
from shapely.geometry import Point, box

import minerisk
from docs.build.records import commit
from docs.build.reliability_page import Trial, added, last_seed, record, recorded
from minerisk.features.cube.zarr_files import set_aside
from minerisk.features.grid import cell_centres
from minerisk.pipelines.cli.main import command as do_command
from minerisk.pipelines.evaluate.predicted_land import read_land
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.tracking import mlflow_record
from tests.faults.commands import COMMANDS, RUN, Command

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "build" / "kills"
NAME, SEED = "kills", 15
PATIENCE_S = 1_800
LAZY = ("lightgbm", "optuna", "mlflow.store.tracking.sqlalchemy_store", "matplotlib.figure",
        "matplotlib.backends.backend_agg", "exactextract", "pyogrio")  # fmt: skip
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link"}
UNTRACKED = ("mlflow", "mlflow.db", "store.db", ".lock")
"""Stores of MLflow, in which each run has a name of its own, and locks."""
HALF = (".partial", ".old", ".draft", ".chunk", ".draft.tif")


@dataclass
class Reference:
    """What an undisturbed command leaves: its files, those that vary, time, file operations."""

    code: int
    files: dict[str, str]
    varying: list[str]
    seconds: float
    changes: int


@dataclass
class Found:
    """What came out of a kill: when it was, how often the command was quicker, what is wrong."""

    instant: str = ""
    ended_before: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def told(self) -> str:
        """What came out, in a line."""
        return f"killed {self.instant}: {'; '.join(self.wrong[:4]) or 'as an undisturbed one'}"


class References:
    """What undisturbed commands leave, made when first asked for and kept beside the base."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, Reference] = {}
        if path.exists():
            kept = json.loads(path.read_text("utf-8"))
            self.known = {name: Reference(**one) for name, one in kept.items()}
        else:
            shutil.rmtree(PLACE, ignore_errors=True)
            make_base(PLACE / "base")

    def of(self, name: str) -> Reference:
        """Return what an undisturbed command leaves."""
        if name not in self.known:
            self.known[name] = reference(COMMANDS[name])
            kept = {name: asdict(one) for name, one in self.known.items()}
            self.path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
        return self.known[name]


def kill_all() -> None:
    """Kill commands, from the first that is not on record, and add each to the record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=200, help="kills in all, with those on record")
    parser.add_argument("--minutes", type=float, default=600, help="stop after so many")
    parser.add_argument("--only", help="one command of tests/faults/commands.py; is not recorded")
    given = parser.parse_args()
    import_all()
    started, whole = time.monotonic(), given.only is None
    known = References(PLACE / "references.json")
    names = drawn(given.count) if whole else [given.only] * given.count
    for number in range(last_seed(NAME) + 1 if whole else 0, len(names)):
        if time.monotonic() - started > 60 * given.minutes:
            break
        begun, name = time.monotonic(), names[number]
        found = kill(COMMANDS[name], known.of(name), random.Random(f"{SEED} {number}"))
        print(f"{number + 1:4d}. {name}, {found.told}", flush=True)  # noqa: T201
        if whole:
            report(number, name, found, given.count, time.monotonic() - begun)


def drawn(count: int) -> list[str]:
    """Draw the commands that are killed: first each once, then by their shares."""
    draw, shares = random.Random(SEED), [command.share for command in COMMANDS.values()]
    names = draw.sample(list(COMMANDS), len(COMMANDS))
    return [*names, *draw.choices(list(COMMANDS), shares, k=max(0, count - len(names)))][:count]


def make_base(base: Path) -> None:
    """Make a finished run, earlier results, and the files that commands read."""
    partial = base.with_name("making")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    area = yaml.safe_load((ROOT / "configs" / "tiny.yaml").read_text(encoding="utf-8"))
    area["data_root"] = os.path.relpath(ROOT / "data" / "tiny", partial)
    area["study_area"]["resolution_m"] = 1000
    area["features"] = area["features"][:3]
    area["simulation"]["prevalence"] = 0.2
    area["model"]["findings"]["block_m"] = 3000
    area["model"]["members"] = 2
    area["model"]["choice"] |= {"trials": 1, "kind": ["boosted"], "trees": [20]}
    area["model"]["lightgbm"]["trees"] = 20
    (partial / "area.yaml").write_text(yaml.safe_dump(area, sort_keys=False), encoding="utf-8")
    shutil.copytree(ROOT / "data" / "tiny", partial / "layers")
    undisturbed("run", partial / "area.yaml", "--out", partial / "run", "--by", "staff 12")
    aside(_write_inputs, partial)
    undisturbed("request", partial / "run", "--out", partial / "pack", "--language", "az")
    asked = ("--aoi", partial / "aoi.gpkg", "--public", "--unapproved", "--language", "ru")
    undisturbed("request", partial / "run", *asked, "--out", partial / "part")
    shutil.rmtree(partial / "run" / "requests")
    undisturbed("runs", "export", partial / "run", "--out", partial / "other.zip")
    partial.rename(base)


def aside(work: Callable[[Path], None], folder: Path) -> None:
    """Do some work in a fork, so that it starts no thread here."""
    process = multiprocessing.get_context("fork").Process(target=work, args=(folder,))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit("The inputs could not be made.")


def _write_inputs(base: Path) -> None:
    (land,) = read_land(Run.open(base / "run")).strips()
    easting, northing = cell_centres(land.geobox)
    rows, columns = np.nonzero(land.answered & (land.trained == -1))
    crs = str(land.geobox.crs)
    points = [Point(easting[columns[i]], northing[rows[i]]) for i in (0, -1)]
    common = {"date": "2024-05-01", "method": "manual search", "reliability": 0.8}
    searched = {"outcome": "no find", "searched_ha": 12.5, "geometry": points[0].buffer(250)}
    find = {"outcome": "find", "hazard": "at", "geometry": points[1]}
    gpd.GeoDataFrame([common | searched, common | find], crs=crs).to_file(base / "results.gpkg")
    gpd.GeoDataFrame({"kind": ["foot"] * 2}, geometry=points, crs=crs).to_file(base / "later.gpkg")
    left, bottom, right, top = land.geobox.boundingbox
    middle, centre = (left + right) / 2, (bottom + top) / 2
    area = box(middle - 4_100, centre - 3_100, middle + 4_100, centre + 3_100)
    gpd.GeoDataFrame(geometry=[area], crs=crs).to_file(base / "aoi.gpkg")


def undisturbed(*words: object) -> None:
    """Do a command that has to go well."""
    code, told, _ = do(tuple(map(str, words)), PLACE)
    if code:
        raise SystemExit(f"{' '.join(map(str, words))}: {told}")


def fresh(command: Command) -> Path:
    """Copy the base, for a command to work on. It is called the same each time: paths count."""
    work = PLACE / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(PLACE / "base", work)
    for name in command.removed:
        path = work / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if command.before:
        undisturbed(*(word.format(w=work) for word in command.before))
    return work


def reference(command: Command) -> Reference:
    """Do a command twice, undisturbed."""
    results = []
    for _ in range(2):
        work = fresh(command)
        start = time.monotonic()
        code, _, changes = do(command.words, work, at=0)
        results.append((code, hashes(work), time.monotonic() - start, changes))
    (code, files, _, changes), (again, others, seconds, _) = results
    if code != again or code not in (0, 1):
        raise SystemExit(f"{command.words} ended with {code} and {again}, undisturbed")
    varying = {name for name in files.keys() | others if files.get(name) != others.get(name)}
    return Reference(code, files, sorted(varying), seconds, changes)


def do(
    words: tuple[str, ...], work: Path, *, at: int = 0, after_s: float | None = None
) -> tuple[int, str, int]:
    """Do a command in a fork of this process, which has imported what it needs.

    Parameters
    ----------
    words, work
        The command, and the folder that ``{w}`` in it stands for.
    at, after_s
        Kill it at a file operation (0 is never), or after so many seconds.

    Returns
    -------
    code, told, operations
        Negative for a signal; what it said; how many file operations it did.
    """
    told, count = PLACE / "told", PLACE / "count"
    count.unlink(missing_ok=True)
    process = multiprocessing.get_context("fork").Process(
        target=_command, args=([word.format(w=work) for word in words], work, at, told, count)
    )
    process.start()
    process.join(PATIENCE_S if after_s is None else after_s)
    if process.is_alive():
        process.kill()  # the process alone: its workers have to notice
        process.join()
        if after_s is None:
            raise SystemExit(f"{words} hangs: {told.read_text()}")
    changes = int(count.read_text()) if count.exists() else 0
    return int(process.exitcode or 0), told.read_text(errors="replace"), changes


def _command(words: list[str], work: Path, at: int, told: Path, count: Path) -> None:
    """Be the command line; count and, at one of them, die before an operation on a file."""
    stream = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for standard in (1, 2):
        os.dup2(stream, standard)
    where, seen = os.fspath(work), 0

    def watch(event: str, given: tuple[object, ...]) -> None:
        nonlocal seen
        if event != "open" and event not in CHANGES:
            return
        if event == "open" and not (
            isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR)
        ):
            return
        if isinstance(given[0], str | os.PathLike) and os.fspath(given[0]).startswith(where):
            seen += 1
            if seen == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    sys.argv = ["minerisk", *words]
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    code = 0
    try:
        do_command()
    except SystemExit as end:
        code = int(end.code or 0)
    count.write_text(str(seen))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def import_all() -> None:
    """Import what any command needs, once, and start no thread: forks would miss it."""
    for found in pkgutil.walk_packages(minerisk.__path__, "minerisk."):
        importlib.import_module(found.name)
    mlflow_record.prepare_mlflow()
    for name in LAZY:
        importlib.import_module(name)
    if threading.active_count() > 1:  # Blosc has one of its own, and starts it anew in a fork
        raise SystemExit("Importing has started threads; a fork would miss them.")


def hashes(work: Path) -> dict[str, str]:
    """Hash every file below a folder but those that no two runs share."""
    return {
        path.relative_to(work).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(work.rglob("*"))
        if path.is_file() and not set(path.relative_to(work).parts) & set(UNTRACKED)
    }


def kill(command: Command, known: Reference, draw: random.Random) -> Found:
    """Kill a command once, go on, and say what is wrong then."""
    found, code = Found(), 0
    while code != -signal.SIGKILL:  # where it is quicker than the instant drawn, draw another
        found.ended_before += bool(found.instant)
        work = fresh(command)
        if known.changes and draw.random() < 0.5:
            at = draw.randint(1, known.changes)
            found.instant = f"at file operation {at} of {known.changes}"
            code, _, _ = do(command.words, work, at=at)
        else:
            after_s = known.seconds * draw.uniform(0.1, 1.0) * 0.8**found.ended_before
            found.instant = f"after {after_s:.1f} s of {known.seconds:.1f} s"
            code, _, _ = do(command.words, work, after_s=after_s)
    found.wrong += lost_packs(work)
    words = command.words if command.again is None else command.again(work)
    code, told, _ = do(words, work)
    refused = code == 2 and any(reason in told for reason in command.refusals)
    if code != known.code and not refused:
        found.wrong.append(f"the same command ends with {code}: {told[-300:].strip()}")
    found.wrong += differences(hashes(work), known)
    found.wrong += [] if command.read_only else half_written(work)
    code, told, _ = do(("audit", "verify", RUN), work)
    found.wrong += [f"audit verify ends with {code}: {told[:300]}"] if code else []
    return found


def lost_packs(work: Path) -> list[str]:
    """Name the earlier packs that are no longer there as a whole, new or old."""
    wrong = []
    for name in ("pack", "part", "part_public"):
        pack = work / name if (work / name).exists() else set_aside(work / name)
        try:
            listed = json.loads((pack / "manifest.json").read_text(encoding="utf-8"))["files"]
        except OSError:
            wrong.append(f"the pack {name} is gone")
            continue
        for file, digest in listed.items():
            path = pack / file
            if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                wrong.append(f"{name}/{file} is not as its manifest says")
    return wrong


def differences(files: dict[str, str], known: Reference) -> list[str]:
    """Name the files that differ from those of an undisturbed command."""
    varying = set(known.varying)
    names = (files.keys() | known.files) - varying
    differing = sorted(name for name in names if files.get(name) != known.files.get(name))
    missing = sorted(varying & known.files.keys() - files.keys())
    return [f"{name} differs" for name in differing] + [f"{name} is missing" for name in missing]


def half_written(work: Path) -> list[str]:
    """Name what was begun and is still there."""
    return [
        f"{path.relative_to(work)} is left"
        for path in work.rglob(".*")
        if any(half in path.name for half in HALF)
    ]


def report(number: int, name: str, found: Found, asked: int, seconds: float) -> None:
    """Add a kill to the record for the page."""
    now = Trial(
        what=f"Commands, of {len(COMMANDS)}, killed (SIGKILL) at seeded instants and given again: "
        "the bytes of an undisturbed command, a trail that verifies, no earlier pack lost, nothing "
        "half written left",
        tried=1,
        found=[f"{name}, {found.told}"] if found.wrong else [],
        seconds=round(seconds, 1),
        commit=commit(),
        command="make kills",
        asked=asked,
        outcomes={name: 1},
        seeds=[[number, number]],
    )
    record(NAME, added(recorded(NAME), now))


if __name__ == "__main__":
    kill_all()
