"""Changes the files of a finished run at random and asks whether anybody would notice.

``python -m tests.fuzz.runs RUN --count 100000`` works on small copies of a finished run, in one
process, and goes on after the last seed of its record. Demanded of every change: the audit names
it, or it provably changes nothing that anybody reads; no command may fail otherwise than in words,
or take long; and the run never stands better than it did. One change of many is also shown to the
whole command ``minerisk audit verify``, in a fork of this process in which nothing is remembered.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from docs.build.records import commit
from docs.build.reliability_page import Trial, added, last_seed, record, recorded
from minerisk.configs import load
from minerisk.features.errors import InputError, MineriskError
from minerisk.features.files.zarr_files import check_zarr
from minerisk.pipelines.audit import verify
from minerisk.pipelines.audit.decide import Decision, review_run
from minerisk.pipelines.cli.main import do
from minerisk.pipelines.provenance import manifest as trail
from minerisk.pipelines.provenance import outputs, snapshot
from minerisk.pipelines.provenance.files import listing, sha256_path
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.manifest import Manifest
from minerisk.pipelines.records.metrics import Metrics, Trials
from minerisk.pipelines.records.rasters import RiskClasses
from minerisk.pipelines.records.record import Document
from minerisk.pipelines.records.request import Filters, RequestRecord
from minerisk.pipelines.records.review import State
from minerisk.pipelines.records.tasks import TaskFile
from minerisk.pipelines.records.validation import Validation
from minerisk.pipelines.request.verified import check_standing
from minerisk.pipelines.run.folder import Run

from .run_mutations import change

NAME = "fuzz_runs"
LONG_S = 20
WHOLE_COMMAND = 250
"""One of so many changes is shown to the whole command."""
STRETCH = 2_000
"""Seeds between two writings of the record; a tenth of them on a withdrawn run."""
MOST_KEPT = 30
"""Results that are remembered: those of the run before any change come first."""
RANK = {
    State.UNVERIFIED: 0,
    State.WITHDRAWN: 0,
    State.REJECTED: 1,
    State.DRAFT: 1,
    State.APPROVED: 2,
}
KEPT = {
    "cube.zarr": {"elevation_m", "inside", "zarr.json"},
    "labels.zarr": {"state", "zarr.json"},
    "rasters": {"probability.tif", "probability.tif.aux.xml", "risk_class.tif", "classes.json"},
    "figures": {"folds.png"},
    "simulated": {"README.txt"},
    "tasks": {"effort.qml"},
}
"""What a small copy keeps of folders with many files of one kind."""
DOCUMENTS = {
    "trials.json": Trials, "validation.json": Validation, "tasks.json": TaskFile,
    "rasters/classes.json": RiskClasses, "requests/x/request.json": RequestRecord,
}  # fmt: skip


@dataclass
class Found:
    """How often what came out, and each change that broke a promise."""

    tried: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    whole: int = 0
    broken: list[str] = field(default_factory=list)


def small_run(source: Path, folder: Path, *, withdrawn: bool = False) -> Path:
    """Copy a finished run with few files of each kind, and sign and approve it."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("mlflow", "requests", ".lock"))
    for name, kept in KEPT.items():
        for item in (folder / name).iterdir():
            if item.name not in kept:
                shutil.rmtree(item) if item.is_dir() else item.unlink()
    files, known = RunFolder(folder), trail.read_manifest(RunFolder(folder))
    digests: dict[str, str] = {}
    stages = []
    for stage in known.stages:
        digests |= {
            name: _record(files, name) for name in stage.outputs if (folder / name).exists()
        }
        inputs = {
            name: digests.get(name, digest)
            for name, digest in stage.inputs.items()
            if name in digests or name.startswith("layer:")
        }
        code = known.environments[stage.environment].code_sha256
        key = trail.stage_key(stage.name, code, stage.settings, inputs)
        made = {name: digests[name] for name in stage.outputs if name in digests}
        stages.append(stage.model_copy(update={"inputs": inputs, "outputs": made, "key": key}))
    trail.write_manifest(files, known.model_copy(update={"stages": tuple(stages)}))
    trail.record_maker(files, "staff 12", signer=Ed25519PrivateKey.generate())
    _review(folder, Decision("approve", by="reviewer 7", note="looked at", champion=True))
    if withdrawn:
        _review(folder, Decision("withdraw", by="reviewer 9", note="an accident"))
    record = RequestRecord.of(
        id="x", run_head="x", filters=Filters(), area_sha256=None, cells=1, hectares=1.0,
        run_state="DRAFT", simulated=True,
    )  # fmt: skip
    (folder / "requests" / "x").mkdir(parents=True)
    (folder / "requests" / "x" / "request.json").write_text(record.to_json(), "utf-8")
    return folder


def _record(files: RunFolder, name: str) -> str:
    path = files.output(name)
    if path.is_dir():
        files.listing(name).write_bytes(listing(path))
    return sha256_path(path)


def _review(folder: Path, decision: Decision) -> None:
    with tempfile.TemporaryDirectory() as place:
        key = Path(place) / "key.pem"
        pem = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        key.write_bytes(pem)
        review_run(Run.open(folder), decision, key=key, layers=False)


def fuzz(folder: Path, *, seeds: range, stop_s: float = float("inf")) -> Found:
    """Change one file of a run for each seed, look, and put it back."""
    files = RunFolder(folder)
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    weights = [_weight(files.name_of(path)) for path in paths]
    kept = {path: path.read_bytes() for path in paths}
    known = Manifest.read(files.manifest)
    found, began = Found(), time.monotonic()
    with _remembered() as forget, _alarm():
        first = verify.audit_run(files, layers=False)
        if first.problems:
            raise SystemExit(f"The run has problems before any change: {first.problems}")
        usual = _whole_command(folder, forget)
        for seed in seeds:
            if found.tried and time.monotonic() - began > stop_s:
                break
            rng = random.Random(seed)
            (path,) = rng.choices(paths, weights)
            name, before = files.name_of(path), set(path.parent.iterdir())
            way = change(rng, path, paths)
            found.tried += 1
            found.ways[way] += 1
            try:
                signal.setitimer(signal.ITIMER_REAL, LONG_S)
                asked = path in (files.manifest, files.reviews) or rng.random() < 0.1
                outcome = _look(files, known, path, kept[path], first.standing.state, asked=asked)
                if seed % WHOLE_COMMAND == 0:
                    found.whole += 1
                    outcome = _held(outcome, usual, _whole_command(folder, forget))
            except Exception as error:  # noqa: BLE001 - whatever is raised is what is looked for
                outcome = f"BROKEN: {type(error).__name__}: {str(error)[:200]}"
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                for item in set(path.parent.iterdir()) - before:
                    item.unlink()
                path.unlink(missing_ok=True)
                path.write_bytes(kept[path])
            found.outcomes[outcome.split(":")[0]] += 1
            if outcome.startswith("BROKEN"):
                found.broken.append(f"seed {seed}, {name}, {way}: {outcome}")
    return found


def _whole_command(folder: Path, forget: Callable[[], None]) -> tuple[int, str]:
    """Do ``minerisk audit verify`` in a fork; return its exit code and its errors."""
    with tempfile.TemporaryFile() as told:
        child = os.fork()
        if child == 0:
            code = 3
            try:
                forget()
                os.dup2(told.fileno(), 1)
                os.dup2(told.fileno(), 2)
                do(["audit", "verify", os.fspath(folder)])
            except SystemExit as end:
                sys.stdout.flush()
                sys.stderr.flush()
                code = int(end.code or 0)
            finally:
                os._exit(code)
        try:
            _, status = os.waitpid(child, 0)
        except TimeoutError:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        told.seek(0)
        return os.waitstatus_to_exitcode(status), told.read().decode(errors="replace")


def _held(outcome: str, usual: tuple[int, str], came: tuple[int, str]) -> str:
    """Hold what the whole command said against what the audit said in this process."""
    code, told = came
    if code not in (0, 1, 2) or "Traceback" in told:
        return f"BROKEN: the whole command ends with {code}: {told[-200:]}"
    if outcome == "named" and code == 0:
        return "BROKEN: the whole command does not name it"
    if outcome.startswith("irrelevant") and "configuration" not in outcome and code != usual[0]:
        return f"BROKEN: {outcome}, and the whole command ends with {code}: {told[-200:]}"
    return outcome


def _weight(name: str) -> float:
    """Look most at what is read as a document; a listing or a picture is only ever hashed."""
    if name in {"manifest.json", "reviews.jsonl"}:
        return 20.0
    if name in {"metrics.json", "config.yaml", *DOCUMENTS} or name.startswith("model/"):
        return 5.0
    return 0.5 if name == "mlflow.db" else 2.0


def _look(
    files: RunFolder, known: Manifest, path: Path, before: bytes, state: State, *, asked: bool
) -> str:
    """Ask the audit, a request and the readers about a change; say what came of it."""
    name = files.name_of(path)
    if path == files.manifest and not path.exists() and not path.is_symlink():
        return "no run any more"  # and says so: wrong use, without a finding
    if path == files.manifest and _is_of_other_version(path):
        return "of another version"  # and says so
    with patch.dict(_fresh, {path: True}):
        found = verify.audit_run(files, layers=False)
        handed = _handed_out(files) if asked else state
    if RANK[found.standing.state] > RANK[state] or RANK[handed] > RANK[state]:
        return f"BROKEN: from {state} to {found.standing.state}, handed out as {handed}"
    _read(path, DOCUMENTS.get(name))
    if found.problems:
        return "named"
    why = _irrelevant(files, known, path, before)
    return f"irrelevant, {why}" if why else "BROKEN: not named"


def _is_of_other_version(path: Path) -> bool:
    try:
        Manifest.read(path)
    except InputError:
        return True
    except MineriskError:
        pass
    return False


def _handed_out(files: RunFolder) -> State:
    try:
        return check_standing(Run.open(files.path))
    except MineriskError:
        return State.UNVERIFIED


def _read(path: Path, kind: Any) -> None:
    """Read a document, or the metadata of a store: as before, or refused in words."""
    try:
        if kind is not None:
            kind.read(path)
        elif path.name == "zarr.json":
            check_zarr(path.parent)
    except MineriskError:
        pass


def _irrelevant(files: RunFolder, known: Manifest, path: Path, before: bytes) -> str:
    """Prove that a change that nobody named changes nothing, and say why; else nothing."""
    name = files.name_of(path)
    if path.is_file() and not path.is_symlink() and path.read_bytes() == before:
        return "the bytes are the same"
    if name == "manifest.json":
        now = Manifest.read(path)
        if now == known:
            return "the manifest reads the same"
        if now.model_copy(update={"config_file": known.config_file}) == known:
            return "only the place of the configuration, by which layers are looked for"
    if name == "mlflow.db":
        return "MLflow's own record, of which tags, alias and model are compared"
    if name == "reviews.jsonl" and not path.exists():
        return "nobody has reviewed it now: a draft"
    if name.startswith("requests/"):
        return "requests are no part of the trail"
    return ""


_fresh: dict[Path, bool] = {}


@contextmanager
def _remembered() -> Iterator[Callable[[], None]]:
    """Hash and parse again only what was changed: everything else is known to be as it was."""
    hashes: dict[Path, str] = {}
    memo: dict[Any, Any] = {}

    def sha(path: Path) -> str:
        if path.is_dir() or path in _fresh:
            return sha256_path(path)
        if path not in hashes:
            hashes[path] = sha256_path(path)
        return hashes[path]

    def once(work: Callable[..., Any]) -> Callable[..., Any]:
        def remembered(*given: Any, **more: Any) -> Any:
            key = (work, *map(_key, given), *map(_key, more.values()))
            if key in memo:
                return memo[key][1]
            made = work(*given, **more)
            if len(memo) < MOST_KEPT:  # of the run as it is; what a key names stays alive with it
                memo[key] = given, made
            return made

        return remembered

    def listed(work: Callable[..., Any]) -> Callable[..., Any]:
        return once(lambda *given, **more: list(work(*given, **more)))

    def parsed(kind: type[Document]) -> Any:
        return patch.object(kind, "parse", once(kind.parse))

    with ExitStack() as stack:
        for each in (
            patch.object(snapshot, "sha256_path", sha),
            patch.object(outputs, "sha256_path", sha),
            patch.object(snapshot, "ThreadPoolExecutor", _NoThreads),
            patch.object(verify, "parse_config", once(verify.parse_config)),
            patch.object(load, "parse_config", once(load.parse_config)),
            patch.object(verify, "checked_trees", once(verify.checked_trees)),
            patch.object(verify, "broken_chain", listed(verify.broken_chain)),
            patch.object(verify.RiskModel, "from_files", once(verify.RiskModel.from_files)),
            parsed(Manifest),
            parsed(Metrics),
        ):
            stack.enter_context(each)
        yield stack.close


def _key(given: Any) -> Any:
    """Name a value of an argument: by its content, or by the one object that it is."""
    if isinstance(given, dict):
        return tuple(sorted(given.items()))
    return given if isinstance(given, bytes | str | int | Path) else id(given)


class _NoThreads:
    """Hash in this thread: to start eight takes longer than nothing to hash."""

    def __init__(self, _: int) -> None:
        pass

    def __enter__(self) -> "_NoThreads":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, work: Callable[..., Any], *given: Any) -> Iterator[Any]:
        return map(work, *given)


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"more than {LONG_S} s")

    before = signal.signal(signal.SIGALRM, ring)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)


def main() -> None:
    """Fuzz an approved and a withdrawn copy of a run, and add the counts to the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--count", type=int, default=100_000, help="in all, with those on record")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after these")
    given = parser.parse_args()
    began, broken = time.monotonic(), 0
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
        # That the last lines of a log are gone only a record beside it tells: a tenth has one.
        withdrawn = small_run(given.run, Path(place) / "withdrawn", withdrawn=True)
        approved = small_run(given.run, Path(place) / "approved")
        (approved / "mlflow.db").unlink()
        for first in range(last_seed(NAME) + 1, given.count, STRETCH):
            if time.monotonic() - began > 60 * given.minutes:
                break
            last = min(first + STRETCH, given.count)
            middle, start = first + (last - first) // 10, time.monotonic()
            found = [
                fuzz(withdrawn, seeds=range(first, middle)),
                fuzz(approved, seeds=range(middle, last)),
            ]
            broken += sum(len(each.broken) for each in found)
            _report(found, range(first, last), given.count, time.monotonic() - start)
    sys.exit(bool(broken))


def _report(all_found: list[Found], seeds: range, asked: int, seconds: float) -> None:
    outcomes = sum((found.outcomes for found in all_found), Counter[str]())
    whole = sum(found.whole for found in all_found)
    broken = [line for found in all_found for line in found.broken]
    for line in (f"{seeds.stop:,}: {dict(outcomes)}, {seconds:.0f} s", *broken):
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    now = Trial(
        what="One file of an approved or withdrawn run changed at random: named by the audit, or "
        "provably without effect; never a crash, a hang, or a state better than it was; one in "
        f"{WHOLE_COMMAND} also by the whole command `minerisk audit verify`",
        tried=len(seeds),
        found=broken,
        seconds=round(seconds, 1),
        commit=commit(),
        command="make fuzz-runs",
        asked=asked,
        outcomes=dict(outcomes + Counter({"also by the whole command": whole})),
        seeds=[[seeds.start, seeds.stop - 1]],
    )
    record(NAME, added(recorded(NAME), now))


if __name__ == "__main__":
    main()
