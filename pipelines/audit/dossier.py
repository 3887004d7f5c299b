"""`minerisk audit export`: a dossier of a run, static pages that any browser opens."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from minerisk.features.errors import InputError
from minerisk.pipelines.audit.dossier_pages import Block, again, trail, tried, went_in, when
from minerisk.pipelines.audit.dossier_quality import if_dropped, quality
from minerisk.pipelines.audit.verify import Audit, audit_run
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.language.metric_words import GATES
from minerisk.pipelines.language.numbers import number
from minerisk.pipelines.language.page import page
from minerisk.pipelines.plotting.data_uri import data_uri
from minerisk.pipelines.provenance.files import listing, write_whole
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.manifest import Manifest
from minerisk.pipelines.records.review import Review
from minerisk.pipelines.report.model_card import card_record, card_text
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.readers import read_metrics

PAGES: Mapping[str, str] = {
    "index": "Five questions",
    "went_in": "What went in",
    "reviews": "Who approved, and the trail",
    "quality": "How good it is",
    "layers": "If a layer is dropped",
    "settings": "Settings tried",
    "again": "Make it again",
}
FILES = ("config.yaml", "metrics.json", "trials.json", "validation.json", "report.html",
         "tasks.csv", "manifest.json", "reviews.jsonl")  # fmt: skip
TEMPLATES = Path(__file__).parent / "templates"
MAP = "map.png"


def export_dossier(folder: Path, out: Path, *, ablation: Path | None = None) -> Path:
    """Write a dossier of a run: who has it and the run folder needs nothing else to judge it.

    ``index.html`` answers five questions and leads to the pages that prove it; ``figures/`` has
    every figure, ``files/`` the files that the pages were made of, ``MODEL_CARD.md`` the model
    card, and ``SHA256SUMS`` the hash of each. Pages hold no script and ask for nothing remote. The
    same run gives the same bytes. It names places of tasks: it is kept like the run folder.

    Parameters
    ----------
    folder
        Run folder, trained.
    out
        New folder.
    ablation
        ``ablation.json`` of `minerisk ablate`, to be shown beside the importance of families.

    Returns
    -------
    Path
        Its ``index.html``.

    Raises
    ------
    InputError
        If the run is not trained, `out` is not empty, or `ablation` is no ablation.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not empty; expected a new folder. Choose another --out.")
    if out.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{out} lies in the run folder {folder}. Choose another --out.")
    run, metrics, record = Run.open(folder), read_metrics(folder), card_record(folder)
    audited = audit_run(run.files, layers=False)
    pages = _pages(run, metrics, record, audited, _ablation(ablation))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as place:
        whole = Path(place) / "dossier"
        _copy(folder, whole)
        write_whole(whole / "MODEL_CARD.md", card_text(record))
        for name, blocks in pages.items():
            write_whole(whole / f"{name}.html", _page(name, blocks, record, whole / "figures"))
        write_whole(whole / "SHA256SUMS", listing(whole))
        if out.exists():
            out.rmdir()
        whole.rename(out)
    return out / "index.html"


def _ablation(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    wanted = {"family", "change", "protocol", "measure", "difference", "lower", "upper"}
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = "words" in found and all(wanted <= row.keys() for row in found["rows"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} cannot be read as an ablation ({error!r}).") from error
    if not known:
        raise InputError(f"{path} is no ablation; expected what `minerisk ablate` wrote.")
    return found


def _pages(
    run: Run,
    metrics: Mapping[str, Any],
    record: Mapping[str, Any],
    audited: Audit,
    ablation: Mapping[str, Any] | None,
) -> dict[str, list[Block]]:
    manifest, log = run.manifest(), run.reviews()
    trials = run.files.trials
    known = json.loads(trials.read_text(encoding="utf-8")) if trials.is_file() else {}
    return {
        "index": _answers(record, metrics, audited, log.entries, manifest),
        "went_in": went_in(run, record),
        "reviews": trail(manifest, record, audited, log.entries),
        "quality": quality(record, metrics, run),
        "layers": if_dropped(run, metrics, ablation),
        "settings": tried(run, known),
        "again": again(run, manifest),
    }


def _answers(
    record: Mapping[str, Any],
    metrics: Mapping[str, Any],
    audited: Audit,
    reviews: Sequence[Review],
    manifest: Manifest,
) -> list[Block]:
    """Answer each question in a few sentences."""
    used = manifest.environment("train")
    dirty = " The code had changes that are in no commit."
    overview, cells = record["overview"], record["data"]["cells"]
    failed = [GATES[gate.name] for gate in audited.gates if not gate.passed]
    dated = f"up to {metrics['as_of']}" if metrics.get("as_of") else "that bears no common date"
    last = reviews[-1] if reviews else None
    decided = (
        f"Last decision: {last.decision} by {last.by} on {when(last)}: {last.note}"
        if last
        else "Nobody has reviewed it."
    )
    top = sorted(metrics.get("importance", []), key=lambda row: -float(row["drop"] or 0))[:1]
    return [
        Block(
            page="went_in",
            heading="What went in?",
            words=(
                f"{len(record['data']['layers'])} layers; evidence {dated}. "
                f"{cells.get('positive', 0):,} cells have evidence of contamination, "
                f"{cells.get('negative', 0):,} were surveyed and nothing recorded, "
                f"{cells.get('unlabelled', 0):,} were never surveyed."
                + (f" {cells['drawn']:,} were drawn to learn from." if "drawn" in cells else ""),
            ),
        ),
        Block(
            page="reviews",
            heading="Who approved?",
            words=(
                f"The run is {_state(audited.state)}. {decided}",
                f"Made by {', '.join(overview['trained_by']) or 'nobody who is named'}. "
                f"Gates not passed: {'; '.join(failed) or 'none'}.",
                "Audit: "
                + (
                    "all as recorded."
                    if not audited.problems
                    else f"{len(audited.problems)} PROBLEMS."
                ),
            ),
        ),
        Block(
            page="quality",
            heading="How good is it on land like mine?",
            words=(
                record["assessment"]["verdict"],
                "Whole regions were left out in turn: look up those most like your land, region by "
                "region. The model speaks for "
                f"{number(metrics.get('applicable_share'), 'share')} of the land; elsewhere it "
                "cannot say.",
            ),
        ),
        Block(
            page="layers",
            heading="What would change if I drop this layer?",
            words=tuple(
                f"The ranking leans most on {str(row['family']).replace('_', ' ')}: shuffled, "
                f"ROC-AUC on left-out land falls by {number(row['drop'])} "
                f"({number(row['low'])} to {number(row['high'])})."
                for row in top
            )
            + ("The page lists every layer, what is made of it, and how to be certain.",),
        ),
        Block(
            page="again",
            heading="Can I make it again?",
            words=(
                "Yes, from layers with the hashes listed, by one command that says what differs"
                + ("." if used and used.code_commit else "; but the code is at no known commit.")
                + (dirty if used and used.code_dirty else ""),
            ),
        ),
    ]


def _state(state: str) -> str:
    words = {"draft": "a draft: not approved", "reviewed": "reviewed, and not approved"}
    return words.get(state, state)


def _copy(folder: Path, whole: Path) -> None:
    """Copy figures and the files that pages are made of."""
    (whole / "figures").mkdir(parents=True)
    (whole / "files").mkdir()
    for path in sorted((RunFolder(folder).figures).glob("*.png")):
        shutil.copyfile(path, whole / "figures" / path.name)
    preview = RunFolder(folder).rasters / "preview.png"
    if preview.is_file():
        shutil.copyfile(preview, whole / "figures" / MAP)
    for name in FILES:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, whole / "files" / name)


def _page(name: str, blocks: Sequence[Block], record: Mapping[str, Any], figures: Path) -> str:
    images = {path.name: data_uri(path.read_bytes()) for path in sorted(figures.glob("*.png"))}
    return page(
        "dossier.html.j2",
        ENGLISH,
        folder=TEMPLATES,
        name=name,
        pages=PAGES,
        blocks=blocks,
        overview=record["overview"],
        state=record["reviewers"]["state"],
        images=images,
        map=images.get(MAP),
        files=[*(f"files/{item.name}" for item in sorted((figures.parent / "files").iterdir())),
               "MODEL_CARD.md"],
    )  # fmt: skip
