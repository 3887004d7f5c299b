"""The pages of a dossier, each a list of blocks: heading, words, one table, figures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from minerisk.pipelines.audit.verify import Audit
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.language.metric_words import GATES
from minerisk.pipelines.language.numbers import number
from minerisk.pipelines.provenance.environment import environment
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.provenance.signatures import fingerprint
from minerisk.pipelines.records.manifest import Manifest, Stage
from minerisk.pipelines.records.review import Review
from minerisk.pipelines.records.validation import Validation
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.steps import STEPS
from minerisk.pipelines.tracking.mlflow_record import run_params

Cell = str | tuple[str, str]
FIGURE_WORDS: Mapping[str, str] = {
    "capture": "Land to survey, in the model's order, until this share is found",
    "folds": "Which land was held out together",
    "importance": "What the ranking loses when a family of features is shuffled",
    "regions": "Each region left out whole; the dotted line is chance",
    "reliability": "Predicted against found; the dotted line is as it should be",
}


@dataclass(frozen=True)
class Block:
    """A part of a page.

    Attributes
    ----------
    heading, words
        A title, and paragraphs under it.
    columns, rows
        A table; a cell is a text, or a number with its interval.
    figures
        File under ``figures/`` and what it shows.
    commands
        Lines to be typed.
    page
        Page that says more.
    """

    heading: str = ""
    words: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Cell]] = ()
    figures: Sequence[tuple[str, str]] = ()
    commands: Sequence[str] = ()
    page: str = ""


def went_in(run: Run, record: Mapping[str, Any]) -> list[Block]:
    """Say what went in: layers with source, date and licence; evidence; rules; faults found."""
    data = record["data"]
    layers = [
        (
            row["name"],
            row["source"],
            row["licence"],
            f"{row['position_error_m']:,.0f} m" if row["position_error_m"] else "not stated",
            row["sha256"],
        )
        for row in data["layers"]
    ]
    evidence = [
        (row["layer"], row["evidence"], f"{row['weight']:g}", str(row["hazard"]))
        for row in data["evidence"]
    ]
    cells = [(name, f"{int(count):,}") for name, count in data["cells"].items()]
    return [
        Block(
            "Layers",
            (
                "Source, date and licence are as the configuration states them. Two files are the "
                "same if and only if their SHA-256 is.",
            ),
            ("Layer", "Source and date", "Licence", "Position may be off by", "SHA-256"),
            layers,
        ),
        Block(
            "Evidence",
            (_dates(run.files.labels), *data["label_rules"]),
            ("Layer", "Kind of evidence", "Weight", "Hazard"),
            evidence,
        ),
        Block("Cells", (), ("Cells", "Number"), cells),
        _faults(run.files.validation_json),
    ]


def _dates(path: Path) -> str:
    if not path.exists():
        return "There are no labels."
    days = xr.open_zarr(path, chunks=None, consolidated=False)["last_date"].to_numpy()
    known = days[np.isfinite(days)]
    if not known.size:
        return "No piece of evidence carries a date."
    first, last = (
        np.datetime64(int(day), "D").astype(object).isoformat()
        for day in (known.min(), known.max())
    )
    return f"Evidence that carries a date is from {first} to {last} (latest of each cell)."


def _faults(path: Path) -> Block:
    if not path.is_file():
        return Block("Faults of the layers", ("The layers were not checked.",))
    found = Validation.read(path).problems
    rows = [(problem.layer, problem.level, ENGLISH.say(problem)) for problem in found]
    words = () if rows else ("None was found.",)
    return Block("Faults of the layers, as checked", words, ("Layer", "Level", "What"), rows)


def tried(run: Run, trials: Mapping[str, Any]) -> list[Block]:
    """List every setting that was tried, what was chosen, and all settings of the run."""
    blocks = [
        Block(
            f"Tried for {protocol} folds",
            (
                "Each training set searched for settings on folds inside itself; the land that "
                "scores the model took no part.",
            ),
            ("Chosen", *columns),
            [
                ("chosen" if _is_chosen(trial, found["chosen"]) else "",
                 *(_plain(trial.get(column)) for column in columns))
                for trial in found["trials"]
            ],
        )
        for protocol, found in trials.items()
        for columns in [_trial_columns(found["trials"])]
    ]  # fmt: skip
    settings = [(name, _plain(value)) for name, value in run_params(run.config).items()]
    return [*blocks, Block("All settings of the run", (), ("Setting", "Value"), settings)]


def _trial_columns(trials: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for trial in trials for name in trial)
    return sorted(names, key=lambda name: (name not in {"choice", "trial"}, name))


def _is_chosen(trial: Mapping[str, Any], chosen: Sequence[Mapping[str, Any]]) -> bool:
    place = trial.get("choice")
    if not isinstance(place, int) or not 0 <= place < len(chosen):
        return False
    return all(trial.get(name) == value for name, value in chosen[place].items())


def _plain(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return "–" if value is None else str(value)


def trail(
    manifest: Manifest, record: Mapping[str, Any], audited: Audit, reviews: Sequence[Review]
) -> list[Block]:
    """Say who decided what, which gates were passed, and how every file follows from the last."""
    return [
        Block(
            "Who made it, who approved",
            (
                f"Made by: {', '.join(record['overview']['trained_by']) or 'nobody is named'}. "
                f"State: {audited.state}.",
                *(() if reviews else ("Nobody has reviewed this run.",)),
            ),
            ("Number", "When", "Decision", "By", "Note", "Signed", "Hash"),
            [
                (str(entry.number), when(entry), entry.decision, entry.by, entry.note,
                 f"key {fingerprint(entry.key)}" if entry.key else "not signed", entry.sha256)
                for entry in reviews
            ],
        ),
        Block(
            "Gates, agreed before training",
            (),
            ("Gate", "Agreed", "Value", "Result"),
            [
                (GATES[gate.name], number(gate.threshold), number(gate.value),
                 "passed" if gate.passed else "NOT PASSED")
                for gate in audited.gates
            ],
        ),
        Block(
            "Audit when this dossier was written",
            (
                f"{audited.checked} hashes were checked, down to those of the layers (the layers "
                "themselves were not opened). "
                + ("All was as recorded." if not audited.problems else "PROBLEMS were found:"),
                *audited.problems,
                *(f"Note: {note}." for note in audited.notes),
            ),
        ),
        _chain(manifest),
        *(_stage(stage) for stage in manifest.stages),
    ]  # fmt: skip


def when(entry: Review) -> str:
    """Say when a decision was made."""
    return entry.at.replace("T", " ").replace("+00:00", " UTC")


def _chain(manifest: Manifest) -> Block:
    return Block(
        "The chain",
        (
            "Each entry holds the hash of the one before it, so the last hash, the head, stands "
            "for all of them. Compare it with the head you were given by another way.",
            f"Head: {manifest.head}",
        ),
        ("Stage", "What it does", "Seconds", "Follows"),
        [
            (stage.name, STEPS[stage.name].about, _plain(stage.seconds), stage.before)
            for stage in manifest.stages
        ],
    )  # fmt: skip


def _stage(stage: Stage) -> Block:
    rows = [("in", name, digest) for name, digest in sorted(stage.inputs.items())]
    rows += [("out", name, digest) for name, digest in sorted(stage.outputs.items())]
    return Block(f"Stage {stage.name}", (), ("", "File or layer", "SHA-256"), rows)


def again(run: Run, manifest: Manifest) -> list[Block]:
    """Say whether it can be made again, with what, and how."""
    used = manifest.environment("train") or environment()
    same = used.lock_sha256 == environment().lock_sha256
    facts = [
        ("Configuration", sha256_path(run.files.config)),
        ("Code, git commit", used.code_commit or "not recorded"),
        ("Code, all its files", used.code_sha256),
        ("requirements.lock", str(used.lock_sha256)),
        ("Python and machine", f"{used.python} on {used.machine}"),
        ("minerisk", used.minerisk),
    ]
    other_lock = "The requirements.lock of the program that wrote this page is another one."
    dirty = "The code had changes that are in no commit: get it from whoever made the run."
    libraries = list(used.packages.items())
    return [
        Block(
            "What is needed",
            (
                "The layers with the hashes under What went in, this configuration, the code and "
                "the libraries below. Given them, it comes out the same to the byte on the same "
                "kind of machine, within 1e-6 elsewhere, or the first stage that differs is named.",
                *((dirty,) if used.code_dirty else ()),
                *(() if same else (other_lock,)),
            ),
            ("What", "Which"),
            facts,
        ),
        Block(
            "How",
            (
                "With the run folder and the layers where they were. --fresh-env installs the "
                "libraries of requirements.lock anew.",
            ),
            commands=(
                "minerisk audit verify RUN",
                "minerisk reproduce RUN --out AGAIN",
                "minerisk reproduce RUN --out AGAIN --fresh-env",
            ),
        ),
        Block("Libraries", (), ("Library", "Version"), libraries),
    ]


def figures(folder: Path, kinds: Sequence[str]) -> list[tuple[str, str]]:
    """Name the figures of a run of these kinds, with what they show; folds include their maps."""
    found = []
    for kind in kinds:
        for path in sorted((RunFolder(folder).figures).glob(f"{kind}*.png")):
            detail = path.stem.removeprefix(kind).strip("_").replace("_", " ")
            words = FIGURE_WORDS[kind]
            found.append((path.name, f"{words} ({detail})" if detail else words))
    return found
