"""`minerisk validate`: a report on the layers and the configuration, before anything is built."""

import logging
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from minerisk.configs.bounds import layer_settings, names_in
from minerisk.configs.checks import check_config
from minerisk.configs.schema import Config, VectorLayer
from minerisk.features.errors import FindingError, InputError
from minerisk.features.kinds import feature_kind, layers_of
from minerisk.features.layers.problems import LayerCode, LayerProblem, Level, note
from minerisk.features.layers.quality import validate_layers
from minerisk.features.layers.sources import Layers, RasterSource
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.page import page
from minerisk.pipelines.prepare.cover import cover_problems
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.records.validation import (
    LayerContent,
    LayerFacts,
    LayerKind,
    LayerUse,
    Validation,
    of_config,
    of_layer,
)
from minerisk.pipelines.run.layers import absent_layers, layer_columns, present_features

logger = logging.getLogger(__name__)

TEMPLATES = Path(__file__).parent / "templates"
_STYLES = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.NOTE: "dim"}
_ORDER = tuple(Level)
_SHOWN_ERRORS = 5


def run_validate(config: Config, *, layers: Layers, out_dir: Path | None = None) -> Validation:
    """Check a configuration and its layers, and write the report.

    Parameters
    ----------
    config
        The study area.
    layers
        Its layers, from `minerisk.pipelines.run.layers.open_layers`.
    out_dir
        Where ``validation.json`` and ``validation.html`` go; without it nothing is written.

    Returns
    -------
    Validation
        With errors or without; `stop_on_errors` raises if there are any.
    """
    problems = [of_config(problem) for problem in check_config(config)]
    found = validate_layers(
        layers,
        area=config.study_area.boundary,
        crs=config.study_area.crs,
        evidence=[item.layer for item in config.labels.positive],
        features=list(_feature_layers(config)),
        areas=list(_area_layers(config)),
        units=_units(config),
        reach_m=_reach_m(config),
        columns=layer_columns(config, layers),
        as_of=config.study_area.as_of,
    )
    # The check of the configuration has named those that are no layer's already.
    problems += [of_layer(problem) for problem in found if problem.layer in layers.names()]
    problems += [of_layer(problem) for problem in _absent(config, layers)]
    report = Validation.of(
        study_area=config.study_area.name,
        title=config.study_area.title,
        simulated=config.simulated,
        layers=tuple(_facts(config, layers, name) for name in layers.names()),
        problems=tuple(sorted(problems, key=lambda problem: _ORDER.index(problem.level))),
    )
    if out_dir is not None:
        write_report(report, out_dir)
    return report


def stop_on_errors(report: Validation) -> None:
    """Raise if a report has errors.

    Raises
    ------
    FindingError
        Naming the first errors; its exit code is 1.
    """
    errors = [problem for problem in report.problems if problem.level == Level.ERROR]
    if errors:
        shown = errors[:_SHOWN_ERRORS]
        lines = [f"{problem.layer}: {ENGLISH.say(problem)}" for problem in shown]
        more = len(errors) - len(lines)
        lines += [f"and {more} more"] if more else []
        noun = "error" if len(errors) == 1 else "errors"
        raise FindingError(f"{len(errors)} {noun} in the input.\n  " + "\n  ".join(lines))


def write_report(report: Validation, out_dir: Path) -> tuple[Path, Path]:
    """Write ``validation.json`` and ``validation.html``, each whole or not at all."""
    out_dir.mkdir(parents=True, exist_ok=True)
    made = out_dir / "validation.json", out_dir / "validation.html"
    _write_whole(made[0], report.to_json())
    _write_whole(made[1], render_html(report))
    return made


def render_html(report: Validation, texts: Texts = ENGLISH) -> str:
    """Render the report as one HTML page without remote assets; everything in it is escaped."""
    return page("validation.html.j2", texts, folder=TEMPLATES, report=report, say=texts.say)


def show_report(report: Validation, console: Console) -> None:
    """Show a report on the terminal: what is wrong first, then one line of counts."""
    if report.problems:
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for problem in report.problems:
            level = f"[{_STYLES[problem.level]}]{problem.level}[/]"
            table.add_row(level, escape(problem.layer), escape(ENGLISH.say(problem)))
        console.print(table)
    counts = ", ".join(_counted(report.count(level), level) for level in _ORDER)
    verdict = "cannot be used as it is" if report.failed else "can be used"
    console.print(f"{escape(report.title)}: {len(report.layers)} layers, {counts}; {verdict}.")


def _counted(number: int, level: Level) -> str:
    return f"{number} {level}" if number == 1 else f"{number} {level}s"


def _absent(config: Config, layers: Layers) -> Iterator[LayerProblem]:
    present, left_out = present_features(config, layers)
    yield from left_out
    yield from cover_problems(config, layers, present)
    for name in absent_layers(config, layers):
        yield note(name, LayerCode.ABSENT, path=config.layers[name].path)


def _feature_layers(config: Config) -> Iterator[str]:
    for feature in config.features:
        yield from layers_of(feature.kind, feature.model_dump())


def _units(config: Config) -> dict[str, str]:
    """Map the raster layers that are read in a unit of their reader's to it."""
    found = {
        name: reads.unit
        for feature in config.features
        for setting, reads in layer_settings(type(feature)).items()
        for name in names_in(getattr(feature, setting))
    }
    if config.simulation is not None:
        found[config.simulation.elevation] = "m"
    return {name: unit for name, unit in found.items() if unit is not None}


def _reach_m(config: Config) -> float:
    """Return how far beyond the area features look into rasters, metres."""
    return max(
        (
            feature_kind(item.kind).halo_m(item.model_dump(exclude={"kind"}))
            for item in config.features
            if any(kind == "raster" for kind in feature_kind(item.kind).reads.values())
        ),
        default=0.0,
    )


def _area_layers(config: Config) -> Iterator[str]:
    """Name the layers of which land is meant, and not points or lines."""
    named = (config.study_area.boundary, config.study_area.regions.layer, config.labels.surveyed)
    yield from (name for name in named if name is not None)
    yield from (item.layer for item in config.labels.searches)
    for feature in (*config.features, *config.effort):
        for setting, reads in layer_settings(type(feature)).items():
            if reads.areas:
                yield from names_in(getattr(feature, setting))
    for layer in config.layers.values():
        of = None if layer.coverage is None else layer.coverage.layer
        if of is not None and isinstance(config.layers.get(of), VectorLayer):
            yield of


def _facts(config: Config, layers: Layers, name: str) -> LayerFacts:
    source = layers.source(name)
    sha256 = content = None
    try:
        sha256 = layers.sha256(name) or None
        content = _content(layers, name)
    except InputError as error:
        logger.debug("%s: %s", name, error)
    return LayerFacts(
        name=name,
        kind=LayerKind.RASTER if isinstance(source, RasterSource) else LayerKind.VECTOR,
        path=source.path.as_posix() if not source.path.is_absolute() else source.path.name,
        sha256=sha256,
        content=content,
        uses=tuple(_uses(config, name)),
        source=source.source,
        licence=source.licence,
    )


def _content(layers: Layers, name: str) -> LayerContent:
    if isinstance(layers.source(name), RasterSource):
        band = layers.band(name)
        return LayerContent(crs=band.crs.name, shape=(band.shape[0], band.shape[1]))
    frame, _ = layers.repaired(name)
    geometry = str(frame.geometry.iloc[0].geom_type)
    return LayerContent(crs=frame.crs.name, features=len(frame), geometry=geometry)


def _uses(config: Config, name: str) -> Iterator[LayerUse]:
    if name == config.study_area.boundary:
        yield LayerUse.BOUNDARY
    if name == config.study_area.regions.layer:
        yield LayerUse.REGIONS
    if name in _feature_layers(config):
        yield LayerUse.FEATURE
    if name in (item.layer for item in config.labels.positive):
        yield LayerUse.EVIDENCE
    if name in (config.labels.surveyed, *(item.layer for item in config.labels.searches)):
        yield LayerUse.SURVEYED_LAND
    if name in (effort.layer for effort in config.effort):
        yield LayerUse.SEARCH_EFFORT
    simulation = config.simulation
    if simulation is not None and name in simulation.model_dump().values():
        yield LayerUse.SIMULATION


def _write_whole(path: Path, text: str) -> None:
    try:
        write_whole(path, text)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
