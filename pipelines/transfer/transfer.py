"""`minerisk transfer`: train here, apply there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from minerisk.configs.schema import Config
from minerisk.features.cube.store import cube_geobox
from minerisk.features.errors import FindingError, InputError
from minerisk.models.elsewhere import TransferredModel
from minerisk.models.elsewhere.transferred import columns_of_members, findings_of, weights_of
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.provenance.environment import code_sha256
from minerisk.pipelines.provenance.files import sha256_path, write_whole
from minerisk.pipelines.provenance.manifest import locked
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.review import Standing, State
from minerisk.pipelines.run.derived import derive_from
from minerisk.pipelines.run.folder import Run, read_config, refuse_unverified
from minerisk.pipelines.run.workers import ALONE, Workers
from minerisk.pipelines.steps import run_steps
from minerisk.pipelines.transfer.files import Sheet, write_rasters, write_shift
from minerisk.pipelines.transfer.land import edge_of_cover, scored_land
from minerisk.pipelines.transfer.lines import transfer_lines
from minerisk.pipelines.transfer.matching import Matching, match
from minerisk.pipelines.transfer.measure import (
    finds_there,
    ranks_there,
    searched_cells,
    with_shifts,
)
from minerisk.pipelines.transfer.record import ColumnThere, Had, Transfer

MOST_LACKING = 0.25
"""Share of the model's gain, past findings apart, of columns that new land may lack."""
MOST_FINDINGS = 0.5
"""Share of the model's gain that past findings may have brought: elsewhere they say nothing."""
LEAST_SPOKEN = 0.1
"""Share of the new land that the model is to speak for, at least: ranks of less would have survey
go by a corner of it. Where it cannot speak is told cell by cell."""
READ = ("config.yaml", "model", "metrics.json", "cube.zarr", "labels.zarr")
KEPT = ("study_area", "data_root", "layers", "labels", "simulation", "classes")
"""Sections of the new study area that count; how to train is settled by the run."""
FACTS = "transfer.json"
SCORES = "scores.zarr"
"""What the model makes of each cell, while files are made of it."""
HEAD = "# Made by minerisk: the features of {run} for the layers of another study area.\n"


def transfer(
    folder: Path,
    config: Path,
    out: Path,
    *,
    given: Mapping[str, str],
    said: Callable[[str], None],
    workers: Workers = ALONE,
) -> Transfer:
    """Apply the model of a run to another study area, and write ranks of its land.

    Parameters
    ----------
    folder
        The run.
    config
        Configuration of the new study area: its boundary, grid, layers and findings count.
    out
        Folder for the result: new, or one that the same transfer has begun.
    given
        Layer of the run to the layer of the new study area that stands for it, where they cannot
        be matched otherwise.
    said
        Called with a line for each step.
    workers
        Who works on the tiles of the cube.

    Raises
    ------
    FindingError
        If the run does not verify, or was withdrawn.
    InputError
        If cells differ in size, too much of what the model goes by cannot be had there, or it can
        speak for too little of the land.
    """
    run, there = Run.open(folder), read_config(config)
    standing = _checked(run)
    _check_cells(run, there)
    model, cube = run.model(), run.cube()
    matching = match(run.config, cube, there, given)
    columns = _columns(run, matching)
    _check_lacking(columns)
    _check_place(run, config, out, matching)
    made = _build(run, there, config, out, matching, said=said, workers=workers)
    columns = _with_units(columns, made)
    _check_lacking(columns)
    had = {column.name: column.had for column in columns}
    lacking = [column.name for column in columns if column.had.lacking]
    transferred = TransferredModel.of(model, lacking, seed=run.config.model.seed)
    edge_m = edge_of_cover(run, made, list(matching.layers))
    columns = with_shifts(columns, run, made)
    marks = Marks(State.DRAFT, run.simulated or made.simulated)
    shift = write_shift(out / "shift.csv", columns, marks)
    geobox, block_m = cube_geobox(made.cube()), run.metrics().block_m
    title = f"{there.study_area.title}\nranks by a model of {run.config.study_area.title}; DRAFT"
    sheet = Sheet(out, geobox, title, marks, _tags(run, there))
    with scored_land(made, transferred, had, edge_m=edge_m, store=out / SCORES) as land:
        spoken = land.spoken / max(land.cells, 1)
        _check_spoken(spoken, shift)
        searched = searched_cells(land, made, block_m=block_m)
        finds = finds_there(searched)
        settled = finds.ranks_only is None and finds.intercept is not None
        paths = write_rasters(
            sheet,
            land,
            shares=(there.classes.higher_share, there.classes.elevated_share),
            intercept=finds.intercept.value if settled and finds.intercept else None,
        )
    facts = Transfer.of(
        run=run.config.study_area.name,
        run_head=run.manifest().head,
        run_state=standing.state,
        model_sha256=sha256_path(run.files.model),
        study_area=there.study_area.name,
        title=there.study_area.title,
        config_sha256=sha256_path(config),
        layers=made.layer_inputs(),
        code_sha256=code_sha256(),
        simulated=marks.simulated,
        simulated_there=made.simulated,
        matches=tuple(matching.layers.values()),
        columns=columns,
        cells=land.cells,
        spoken=spoken,
        finds=finds,
        ranks=ranks_there(searched),
        outputs={path.name: sha256_path(path) for path in sorted([shift, *paths])},
    )
    write_whole(out / "transfer.txt", "\n".join(transfer_lines(facts)) + "\n")
    write_whole(out / FACTS, facts.to_json())
    return facts


def _checked(run: Run) -> Standing:
    standing = run.standing(READ)
    refuse_unverified(run.folder, standing, "Nothing was transferred")
    if standing.state is State.WITHDRAWN:
        raise FindingError(
            f"{run.folder} was withdrawn: nothing of it may be used. Transfer another run."
        )
    return standing


def _check_place(run: Run, config: Path, out: Path, matching: Matching) -> None:
    """Refuse a folder with anything but this very transfer, begun or done."""
    files, told = RunFolder(out), out / FACTS
    held = [item for item in out.iterdir() if item != files.lock] if out.exists() else []
    begun = files.config.is_file() and files.config.read_bytes().startswith(HEAD[:20].encode())
    same = True
    if told.is_file():
        known = Transfer.read(told)
        asked = (sha256_path(run.files.model), sha256_path(config))
        same = asked == (known.model_sha256, known.config_sha256)
        same = same and known.matches == tuple(matching.layers.values())
    if held and not (begun and same):
        raise InputError(
            f"{out} holds something other than this transfer; expected a new folder, or one that "
            "the same command has begun. Choose another --out."
        )


def _check_cells(run: Run, there: Config) -> None:
    own, other = run.config.study_area.resolution_m, there.study_area.resolution_m
    if own != other:
        raise InputError(
            f"The new study area has cells of {other:g} m and the run has cells of {own:g} m; "
            "expected the same: slope, shares and what a cell holds mean something else at another "
            f"size. Set study_area.resolution_m to {own:g}, or train a run at {other:g} m."
        )


def _columns(run: Run, matching: Matching) -> tuple[ColumnThere, ...]:
    """List the columns of the model, the weightiest first."""
    model, cube = run.model(), run.cube()
    past, weights = findings_of(model), weights_of(model)
    found = []
    for name in columns_of_members(model):
        known = name in cube and name not in past
        found.append(
            ColumnThere(
                name=name,
                kind=str(cube[name].attrs["kind"]) if known else "",
                unit=str(cube[name].attrs["unit"]) if known else "",
                weight=round(weights[name], 6),
                had=Had.FINDINGS if name in past else matching.had.get(name, Had.SILENT),
            )
        )
    return tuple(sorted(found, key=lambda column: -column.weight))


def _with_units(columns: Sequence[ColumnThere], made: Run) -> tuple[ColumnThere, ...]:
    """Hold each column that was built against kind and unit of the run's.

    Of a feature without some of its epochs, what the others give is built: it is what land had in
    training that those epochs say nothing of.
    """
    cube, checked = made.cube(), []
    for column in columns:
        had = column.had
        if had is Had.SILENT and column.name in cube.attrs["variables"]:
            had = Had.BUILT
        if had is Had.BUILT and column.name not in cube:
            had = Had.NO_LAYER
        elif had is Had.BUILT:
            own = cube[column.name]
            same = (own.attrs["kind"], own.attrs["unit"]) == (column.kind, column.unit)
            had = had if same else Had.UNIT
        checked.append(column.model_copy(update={"had": had}))
    return tuple(checked)


def _check_lacking(columns: Sequence[ColumnThere]) -> None:
    past = sum(column.weight for column in columns if column.had is Had.FINDINGS)
    if past > MOST_FINDINGS:
        raise InputError(
            f"Past findings brought {past:.0%} of what the model goes by, and elsewhere they say "
            f"nothing; expected at most {MOST_FINDINGS:.0%}. Train a run with "
            "model.findings.use: false."
        )
    lacking = [c for c in columns if c.had.lacking and c.had is not Had.FINDINGS]
    share = sum(column.weight for column in lacking) / (1.0 - past)
    if share > MOST_LACKING:
        named = ", ".join(f"{c.name} ({c.had.value})" for c in lacking if c.weight)
        raise InputError(
            f"The new study area cannot give columns that brought {share:.0%} of what the model "
            f"goes by: {named}; expected at most {MOST_LACKING:.0%}. Add their layers to the "
            "configuration, say which layer stands for which (--as RUN_LAYER=LAYER), or train a "
            "run without them."
        )


def _check_spoken(spoken: float, shift: Path) -> None:
    if spoken < LEAST_SPOKEN:
        raise InputError(
            f"The model can speak for {spoken:.1%} of the new land; expected {LEAST_SPOKEN:.0%} at "
            f"least. No ranks were written; {shift} lists how far each feature differs. Train on "
            "land more like it."
        )


def _build(
    run: Run,
    there: Config,
    config: Path,
    out: Path,
    matching: Matching,
    *,
    said: Callable[[str], None],
    workers: Workers,
) -> Run:
    """Build the run's features from the layers of the new study area, and label its land."""
    layers = {
        name: there.layers[found.there]
        for name, found in matching.layers.items()
        if name != found.there
    }
    taken = sorted(set(layers) & set(there.layers))
    if taken:
        raise InputError(
            f"The new study area has layers called {', '.join(taken)} that are not what the run "
            "calls so. Give them other names in its configuration."
        )
    written = {
        name: layer.model_dump(mode="json", exclude_unset=True) | {"kind": layer.kind}
        for name, layer in {**there.layers, **layers}.items()
    }
    features = [item.model_dump(mode="json") for item in matching.features]

    def change(content: dict[str, Any]) -> None:
        for section in [name for name in content if name not in KEPT]:
            del content[section]
        content.update(features=features, layers=written)

    with locked(out):
        derived = derive_from(
            config,
            config,
            RunFolder(out).config,
            change,
            head=HEAD.format(run=run.config.study_area.name),
        )
    made = run_steps(derived, out / "run", last="build", said=said, workers=workers)
    return replace(made, workers=workers)


def _tags(run: Run, there: Config) -> dict[str, str]:
    return {
        "RUN": run.config.study_area.name,
        "RUN_HEAD": run.manifest().head,
        "STUDY_AREA": there.study_area.name,
        "USE": "ranks by a model of other land; one indirect source for desk assessment; rank land "
        "for survey, decide nothing",
        "NODATA": "outside the study area, or the model cannot say; never low",
    }
