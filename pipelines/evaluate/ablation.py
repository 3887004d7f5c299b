"""`minerisk ablate`: what each family of features is worth on land held out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minerisk.features.cube.store import open_cube
from minerisk.features.errors import InputError
from minerisk.features.kinds import FEATURE_KINDS
from minerisk.models.evaluation.comparison import compare
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.out_of_fold_scores import out_of_fold
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import ProtocolName
from minerisk.models.selection.candidates import ModelSpec, makers
from minerisk.models.selection.protocols import HeldOut, hold_out
from minerisk.models.table import CellTable
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.provenance.environment import code_sha256
from minerisk.pipelines.provenance.files import (
    canonical,
    replacing,
    sha256_text,
    write_whole,
)
from minerisk.pipelines.provenance.manifest import outputs_of, stage_key
from minerisk.pipelines.records.evaluations import (
    Ablation,
    AblationMeasure,
    AblationRow,
    Ablations,
    AblationSetup,
    Change,
)
from minerisk.pipelines.run.contents import covered_columns, read_cells
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.progress import Progress, progress
from minerisk.pipelines.steps import run_steps
from minerisk.pipelines.train.land_samples import land_to_predict
from minerisk.pipelines.train.spec import model_spec

FINDINGS = "past_findings"
BEYOND_COVER = "beyond_cover"
BASE = (*(name for name, kind in FEATURE_KINDS.items() if kind.first), FINDINGS, BEYOND_COVER)
"""What a first configuration holds (`minerisk init`), and what the model makes of land beyond a
layer's cover; all else is off until it is asked for."""
PROTOCOLS = (ProtocolName.FAR, ProtocolName.NEAR)
FEW_MEMBERS = 4
FEW_NEGATIVES = 4.0
DECIMALS = 5


@dataclass(frozen=True)
class _Bench:
    """What every combination is scored with, and where its scores are kept."""

    spec: ModelSpec
    families: Mapping[str, Sequence[str]]
    table: CellTable
    held: HeldOut
    store: Path


def ablate(
    config_path: Path,
    folder: Path,
    *,
    into: Path | None = None,
    said: Callable[[str], None] = lambda line: None,
) -> Ablation:
    """Measure what the model gains by each family of features, and loses without it.

    Every model is scored on *far* and *near* folds, with the settings that the configuration
    states (none searched), few members and few negatives. Scores are kept in
    ``ablation/`` of the folder, so that a run which was stopped goes on with those it has.

    Parameters
    ----------
    config_path
        The study area's YAML.
    folder
        Run folder, up to the feature cube; best one of its own.
    into
        A JSON file of several study areas to put the result into, such as
        ``docs/features/ablation.json``; areas of other names are left as they are.
    said
        Called with a line for each stage.

    Raises
    ------
    InputError
        If there are fewer than two families to compare, or `into` is not such a file.
    """
    areas = _areas(into)
    run = run_steps(config_path, folder, last="build", said=said)
    with progress("Ablation") as bar:
        found = _measure(run, bar, command=f"minerisk ablate {config_path.as_posix()} --out DIR")
    own = {run.config.study_area.name: found}
    _write(folder / "ablation.json", own)
    if into is not None:
        _write(into, {**areas, **own})
    return found


def _areas(path: Path | None) -> Mapping[str, Ablation]:
    return {} if path is None or not path.exists() else Ablations.read(path).areas


def _write(path: Path, areas: Mapping[str, Ablation]) -> None:
    """Write ablations of study areas, by name."""
    named = dict(sorted(areas.items()))
    write_whole(path, Ablations(schema_version=Ablations.version, areas=named).to_json())


def _measure(run: Run, bar: Progress, *, command: str) -> Ablation:
    bench = _set_up(run, bar)
    asked = list(pairs(list(bench.families)))
    sets = list(dict.fromkeys(known for _, _, *both in asked for known in both))
    todo = [(name, known) for known in sets for name in PROTOCOLS]
    places = [(*one, name) for one in asked for name in PROTOCOLS]
    # Whole combinations side by side, each on one thread: fitting alone would leave cores idle.
    pool = ThreadPoolExecutor(run.config.model.threads)
    try:
        scored = pool.map(lambda one: _scores(bench, *one), todo)
        for number, (name, _) in enumerate(todo):
            bar.step(f"{name} folds", number, len(todo))
            next(scored)
        measured = pool.map(lambda one: list(_rows(bench, *one)), places)
        rows: list[AblationRow] = []
        for number, (family, *_) in enumerate(places):
            bar.step(f"intervals, {family}", number, len(places))
            rows += next(measured)
    finally:
        pool.shutdown(cancel_futures=True)
    return Ablation(
        title=run.config.study_area.title,
        simulated=run.simulated,
        command=command,
        setup=_facts(bench, run.config.study_area.resolution_m),
        base=tuple(family for family in bench.families if family in BASE),
        rows=tuple(rows),
    )


def _set_up(run: Run, bar: Progress) -> _Bench:
    config, families = run.config, families_of(run)
    if len(families) < 2:
        raise InputError(
            f"The only family of features is {list(families)}; expected two or more to compare."
        )
    bar.step("folds", 0, 1)
    table = read_cells(run)
    held = hold_out(
        table, target=land_to_predict(run), seed=config.model.seed, **config.folds.model_dump()
    )
    settings = config.model_dump_json(include={"study_area", "folds", "model"})
    key = stage_key("ablation", code_sha256(), settings, outputs_of(run.manifest(), "build"))
    store = run.folder / "ablation"
    if not (store / "key").is_file() or (store / "key").read_text(encoding="utf-8") != key:
        for old in store.glob("*.npy"):
            old.unlink()
        write_whole(store / "key", key)
    asked = model_spec(config.model, as_of=config.study_area.as_of, covered=covered_columns(run))
    spec = few(asked)
    return _Bench(spec, families, table, held, store)


def few(spec: ModelSpec) -> ModelSpec:
    """Return the same model with nothing searched, few members, few negatives, one thread."""
    return replace(
        spec,
        trials=0,
        threads=1,
        members=min(FEW_MEMBERS, spec.members),
        negatives_per_positive=min(FEW_NEGATIVES, spec.negatives_per_positive),
    )


def families_of(run: Run) -> dict[str, list[str]]:
    """Group the columns of the cube by kind of feature.

    Last come past findings, if used, and the way beyond the cover of layers, if there are such
    layers and a way is stated: neither has columns of the cube.
    """
    cube, model = open_cube(run.files.cube), run.config.model
    families: dict[str, list[str]] = {}
    for name in cube.attrs["variables"]:
        families.setdefault(str(cube[name].attrs["kind"]), []).append(str(name))
    taught = model.beyond_cover != "nodata" and bool(covered_columns(run))
    used = {FINDINGS: model.findings.use, BEYOND_COVER: taught}
    return families | {name: [] for name, is_used in used.items() if is_used}


def pairs(families: Sequence[str]) -> Iterator[tuple[str, Change, frozenset[str], frozenset[str]]]:
    """Return family, change, and the families of the model after and before the change.

    The base model is of the families of `BASE` that are there: one of its own is added to the
    others of it, any other to all of it.
    """
    whole, base = frozenset(families), frozenset(families) & frozenset(BASE)
    for family in families:
        one = frozenset({family})
        if base - one:
            yield family, Change.ADDED, base | one, base - one
        yield family, Change.DROPPED, whole - one, whole


def _scores(bench: _Bench, name: ProtocolName, known: frozenset[str]) -> NDArray[np.float32]:
    """Score held-out land by the model of some families, or read what was scored before."""
    path = bench.store / f"{name}-{sha256_text(canonical(sorted(known)))[:16]}.npy"
    if not path.is_file():
        with replacing(path) as partial:
            np.save(partial, _scored(bench, name, known), allow_pickle=False)
    kept: NDArray[np.float32] = np.load(path, allow_pickle=False)
    return kept


def _scored(bench: _Bench, name: ProtocolName, known: frozenset[str]) -> NDArray[np.float32]:
    spec, block_m = bench.spec, bench.held.block_m
    if FINDINGS not in known:
        spec = replace(spec, encoder=None)
    if BEYOND_COVER not in known:
        spec = replace(spec, beyond_cover="nodata")
    unread = [
        column
        for family, names in bench.families.items()
        if family not in known
        for column in names
    ]
    part = replace(bench.table, cells=bench.table.cells.drop(columns=unread))
    make = makers(part.features, spec, families=bench.families, block_m=block_m)[ModelName.MODEL]
    protocol = bench.held.protocols[name]
    found = out_of_fold(make, part, protocol, drawing=spec.drawing(block_m))
    return found.score.astype(np.float32)


def _rows(
    bench: _Bench,
    family: str,
    change: Change,
    now: frozenset[str],
    before: frozenset[str],
    name: ProtocolName,
) -> Iterator[AblationRow]:
    """Yield what a change of families made of each measure."""
    after, first = (_scores(bench, name, known) for known in (now, before))
    table, tested = bench.table, np.isfinite(after) & np.isfinite(first)
    y = (table.state[tested] == 1).astype(np.int8)
    blocks = assign_blocks(table.coordinates[tested], block_m=bench.held.block_m)
    found = compare(y, after[tested], first[tested], blocks, cell_ha=table.cell_ha)
    for measure in AblationMeasure:
        values = [round(float(v), DECIMALS) if np.isfinite(v) else None for v in found[measure]]
        difference, lower, upper = values
        yield AblationRow(
            family=family,
            change=change,
            protocol=name,
            measure=measure,
            difference=difference,
            lower=lower,
            upper=upper,
        )


def _facts(bench: _Bench, resolution_m: float) -> AblationSetup:
    table, held = bench.table, bench.held
    near = held.protocols[ProtocolName.NEAR]
    return AblationSetup(
        cells=len(table.state),
        positive=int((table.state == 1).sum()),
        resolution_m=resolution_m,
        far_folds=len(held.protocols[ProtocolName.FAR].folds),
        near_folds=len(near.folds),
        near_splitter=near.splitter,
        block_m=held.block_m,
        most_members=FEW_MEMBERS,
        most_negatives_per_positive=FEW_NEGATIVES,
    )


def setup_words(setup: AblationSetup, texts: Texts = ENGLISH) -> str:
    """Describe what every model of an ablation was scored with."""
    return texts.say(
        "{cells:count} labelled cells of {size:g} m, {positive:count} positive; far: {far} regions "
        "left out whole; near: {near} folds ({splitter}). Differences with 90 % intervals from "
        "resampled blocks of {side:.0f} km, both models on the same draws. The model has the "
        "settings stated, none searched, at most {members} members and {negatives:g} negatives a "
        "positive.",
        cells=setup.cells,
        size=setup.resolution_m,
        positive=setup.positive,
        far=setup.far_folds,
        near=setup.near_folds,
        splitter=str(setup.near_splitter),
        side=setup.block_m / 1_000,
        members=setup.most_members,
        negatives=setup.most_negatives_per_positive,
    )


def lines_of(found: Ablation) -> Iterator[str]:
    """Write an ablation for a person at a terminal."""
    yield f"{found.title}: {setup_words(found.setup)}"
    yield f"Differences in {', '.join(AblationMeasure)}:"
    for number in range(0, len(found.rows), len(AblationMeasure)):
        rows = found.rows[number : number + len(AblationMeasure)]
        differences = [
            f"{row.difference:+.4f} ({row.lower:+.4f} to {row.upper:+.4f})"
            for row in rows
            if row.difference is not None
        ]
        first = rows[0]
        yield f"{first.family} {first.change}, {first.protocol}: {', '.join(differences)}"
