"""`minerisk audit export`: a dossier of a run, static pages that any browser opens."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from minerisk.features.errors import InputError
from minerisk.features.layers.problems import Level
from minerisk.pipelines.audit.dossier_facts import (
    AblationPart,
    evidence_dates,
    figures_of,
    plain,
    read_ablation,
    read_tried,
    region_places,
)
from minerisk.pipelines.audit.dossier_land import land_of_regions
from minerisk.pipelines.audit.dossier_layers import layer_uses
from minerisk.pipelines.audit.verify import audit_run
from minerisk.pipelines.language.messages import Texts, texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.plotting.data_uri import data_uri
from minerisk.pipelines.provenance.environment import environment
from minerisk.pipelines.provenance.files import listing, sha256_path, write_whole
from minerisk.pipelines.provenance.folders import replacing_folder
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.provenance.signatures import fingerprint
from minerisk.pipelines.records.review import Audit
from minerisk.pipelines.records.validation import Validation
from minerisk.pipelines.report.model_card import ModelCard
from minerisk.pipelines.report.pages import report_page
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.steps import STEPS
from minerisk.pipelines.tracking.shown import run_params

PAGES: Mapping[str, str] = {
    "index": marked("Five questions"),
    "went_in": marked("What went in"),
    "reviews": marked("Who approved, and the trail"),
    "quality": marked("How good it is"),
    "layers": marked("If a layer is dropped"),
    "settings": marked("Settings tried"),
    "again": marked("Make it again"),
}
LEVELS: Mapping[Level, str] = {
    Level.ERROR: marked("error"),
    Level.WARNING: marked("warning"),
    Level.NOTE: marked("note"),
}
MAP, CARD = "map.png", "MODEL_CARD.md"


@dataclass(frozen=True)
class Dossier:
    """What a dossier is written from.

    Attributes
    ----------
    run, card, audited
        The run, its model card, and what an audit found.
    ablation
        To be shown beside the importance of families.
    texts
        The words of the reader's language.
    """

    run: Run
    card: ModelCard
    audited: Audit
    ablation: AblationPart | None
    texts: Texts


def export_dossier(
    folder: Path, out: Path, *, ablation: Path | None = None, language: str = "en"
) -> Path:
    """Write a dossier of a run: who has it and the run folder needs nothing else to judge it.

    ``index.html`` answers five questions and leads to the pages that prove it; ``figures/`` has
    every figure, ``files/`` the files that the pages were made of, ``MODEL_CARD.md`` the model
    card, and ``SHA256SUMS`` the hash of each. Pages hold no script and load nothing remote. The
    same run gives the same bytes. It names places of tasks: it is kept like the run folder.

    Parameters
    ----------
    folder
        Run folder, trained.
    out
        New folder.
    ablation
        ``ablation.json`` of `minerisk ablate`, to be shown beside the importance of families.
    language
        Of the pages and the model card: ``en``, ``az`` or ``ru``.

    Returns
    -------
    Path
        Its ``index.html``.

    Raises
    ------
    InputError
        If the run is not trained, `out` is not empty, `ablation` is no ablation, or there are no
        texts in that language.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not empty; expected a new folder. Choose another --out.")
    if out.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{out} lies in the run folder {folder}. Choose another --out.")
    run = Run.open(folder)
    dossier = Dossier(
        run=run,
        card=ModelCard.of(run),
        audited=audit_run(run.files, layers=False),
        ablation=(
            None
            if ablation is None
            else read_ablation(
                ablation, study_area=run.config.study_area.name, texts=texts(language)
            )
        ),
        texts=texts(language),
    )
    with replacing_folder(out) as whole:
        _write(dossier, whole)
    return out / "index.html"


def _write(dossier: Dossier, whole: Path) -> None:
    _copy(dossier.run.files, whole)
    write_whole(whole / CARD, dossier.card.text(dossier.texts))
    images = {
        path.name: data_uri(path.read_bytes()) for path in sorted((whole / "figures").glob("*.png"))
    }
    files = [*(f"files/{item.name}" for item in sorted((whole / "files").iterdir())), CARD]
    facts = _facts(dossier)
    for name in PAGES:
        made = report_page(
            f"dossier/{name}.html.j2",
            dossier.texts,
            name=name,
            pages=PAGES,
            images=images,
            map=MAP if MAP in images else "",
            files=files,
            shown=figures_of(dossier.run.files, FIGURES.get(name, ())),
            **facts,
        )
        write_whole(whole / f"{name}.html", made)
    write_whole(whole / "SHA256SUMS", listing(whole))


FIGURES: Mapping[str, tuple[str, ...]] = {
    "quality": ("capture", "reliability", "regions", "folds"),
    "layers": ("importance",),
}


def _facts(dossier: Dossier) -> dict[str, object]:
    """Gather what the pages show."""
    run, card = dossier.run, dossier.card
    files, manifest, metrics = run.files, run.manifest(), card.found.metrics
    used = manifest.environment("train")
    checked = files.validation_json.is_file()
    return {
        "card": card,
        "manifest": manifest,
        "steps": STEPS,
        "audited": dossier.audited,
        "state": dossier.audited.standing.state,
        "ablation": dossier.ablation,
        "environment": used,
        "same_lock": used is not None and used.lock_sha256 == environment().lock_sha256,
        "config_sha256": sha256_path(files.config),
        "fingerprint": fingerprint,
        "levels": LEVELS,
        "problems": Validation.read(files.validation_json).problems if checked else None,
        "dates": evidence_dates(files.labels),
        "places": region_places(metrics.regions, run.config.study_area.crs),
        "land": land_of_regions(run),
        "layers": layer_uses(run, metrics.importance),
        "leaning": max(metrics.importance, key=lambda row: row.drop, default=None),
        "tried": read_tried(files),
        "settings": {name: plain(value) for name, value in run_params(run.config).items()},
    }


def _copy(files: RunFolder, whole: Path) -> None:
    """Copy figures and the files that pages are made of."""
    (whole / "figures").mkdir()
    (whole / "files").mkdir()
    for path in sorted(files.figures.glob("*.png")):
        shutil.copyfile(path, whole / "figures" / path.name)
    preview = files.rasters / "preview.png"
    if preview.is_file():
        shutil.copyfile(preview, whole / "figures" / MAP)
    sources = (files.config, files.metrics, files.trials, files.validation_json, files.report,
               files.tasks_csv, files.manifest, files.reviews)  # fmt: skip
    for path in sources:
        if path.is_file():
            shutil.copyfile(path, whole / "files" / path.name)
