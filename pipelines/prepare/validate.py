"""`minerisk validate`: a report on the layers and the configuration, before anything is built."""

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from minerisk.configs.checks import check_config
from minerisk.configs.schema import Config
from minerisk.features.errors import FindingError, InputError
from minerisk.features.layers.quality import Problem, validate_layers
from minerisk.features.layers.sources import Layers, RasterSource, layers_of
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.run.layers import absent_layers, present_features

logger = logging.getLogger(__name__)

_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}
_ORDER = ("error", "warning", "note")
_SHOWN_ERRORS = 5


@dataclass(frozen=True)
class LayerFacts:
    """What a layer is, as far as it could be read."""

    name: str
    kind: str
    path: str
    crs: str
    size: str
    sha256: str
    used_as: str
    source: str
    licence: str


@dataclass(frozen=True)
class Report:
    """What `minerisk validate` found."""

    study_area: str
    title: str
    simulated: bool
    layers: tuple[LayerFacts, ...]
    problems: tuple[Problem, ...]

    @property
    def failed(self) -> bool:
        """Whether there is any error; a run stops then."""
        return self.count("error") > 0

    def count(self, level: str) -> int:
        """Count the problems of a level."""
        return sum(problem.level == level for problem in self.problems)

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain values, the same for the same input."""
        counts = {level: self.count(level) for level in _ORDER}
        return {"passed": not self.failed, "counts": counts, **asdict(self)}


def run_validate(config: Config, *, layers: Layers, out_dir: Path | None = None) -> Report:
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
    Report
        With errors or without; `stop_on_errors` raises if there are any.
    """
    problems = [_from_check(line) for line in check_config(config)]
    found = validate_layers(
        layers,
        area=config.study_area.boundary,
        crs=config.study_area.crs,
        evidence=[item.layer for item in config.labels.positive],
        features=list(_feature_layers(config)),
        as_of=config.study_area.as_of,
    )
    # Names that no layer has are told by the check of the configuration already.
    problems += [problem for problem in found if problem.layer in layers.names()]
    problems += _absent(config, layers)
    report = Report(
        study_area=config.study_area.name,
        title=config.study_area.title,
        simulated=config.simulated,
        layers=tuple(_facts(config, layers, name) for name in layers.names()),
        problems=tuple(sorted(problems, key=lambda problem: _ORDER.index(problem.level))),
    )
    if out_dir is not None:
        write_report(report, out_dir)
    return report


def stop_on_errors(report: Report) -> None:
    """Raise if a report has errors.

    Raises
    ------
    FindingError
        Naming the first errors; its exit code is 1.
    """
    errors = [problem for problem in report.problems if problem.level == "error"]
    if errors:
        lines = [f"{problem.layer}: {problem.message}" for problem in errors[:_SHOWN_ERRORS]]
        more = len(errors) - len(lines)
        lines += [f"and {more} more"] if more else []
        noun = "error" if len(errors) == 1 else "errors"
        raise FindingError(f"{len(errors)} {noun} in the input.\n  " + "\n  ".join(lines))


def write_report(report: Report, out_dir: Path) -> tuple[Path, Path]:
    """Write ``validation.json`` and ``validation.html``, each whole or not at all."""
    out_dir.mkdir(parents=True, exist_ok=True)
    made = out_dir / "validation.json", out_dir / "validation.html"
    text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n"
    _write_whole(made[0], text)
    _write_whole(made[1], render_html(report))
    return made


def render_html(report: Report) -> str:
    """Give the report as one HTML page without remote assets; everything in it is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("validation.html.j2").render(report=report)


def show_report(report: Report, console: Console) -> None:
    """Show a report on the terminal: what is wrong first, then one line of counts."""
    if report.problems:
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for problem in report.problems:
            style = _STYLES[problem.level]
            level = f"[{style}]{problem.level}[/]"
            table.add_row(level, escape(problem.layer), escape(problem.message))
        console.print(table)
    counts = ", ".join(f"{report.count(level)} {level}s" for level in _ORDER)
    verdict = "cannot be used as it is" if report.failed else "can be used"
    console.print(f"{escape(report.title)}: {len(report.layers)} layers, {counts}; {verdict}.")


def _from_check(line: str) -> Problem:
    level, _, message = line.partition(": ")
    return Problem("configuration", "error" if level == "error" else "warning", "config", message)


def _absent(config: Config, layers: Layers) -> Iterator[Problem]:
    _, left_out = present_features(config, layers)
    for line in left_out:
        yield Problem("configuration", "warning", "absent", f"{line}.")
    for name in absent_layers(config, layers):
        message = f"{config.layers[name].path} is not there; the layer is optional."
        yield Problem(name, "note", "absent", message)


def _feature_layers(config: Config) -> Iterator[str]:
    for feature in config.features:
        yield from layers_of(feature.model_dump())


def _facts(config: Config, layers: Layers, name: str) -> LayerFacts:
    source = layers.source(name)
    raster = isinstance(source, RasterSource)
    crs = size = sha256 = ""
    try:
        sha256 = layers.sha256(name)
        if raster:
            band = layers.band(name)
            crs, size = band.crs.name, f"{band.shape[1]:,} × {band.shape[0]:,} cells"
        else:
            frame, _ = layers.repaired(name)
            crs, size = frame.crs.name, f"{len(frame):,} × {frame.geometry.iloc[0].geom_type}"
    except InputError as error:
        logger.debug("%s: %s", name, error)
    return LayerFacts(
        name=name,
        kind="raster" if raster else "vector",
        path=source.path.as_posix() if not source.path.is_absolute() else source.path.name,
        crs=crs,
        size=size,
        sha256=sha256,
        used_as=", ".join(_uses(config, name)) or "not used",
        source=source.source,
        licence=source.licence,
    )


def _uses(config: Config, name: str) -> Iterator[str]:
    if name == config.study_area.boundary:
        yield "boundary"
    if name == config.study_area.regions.layer:
        yield "regions"
    if name in _feature_layers(config):
        yield "feature"
    if name in (item.layer for item in config.labels.positive):
        yield "evidence"
    if name in (config.labels.surveyed, *(item.layer for item in config.labels.searches)):
        yield "surveyed land"
    if name in (effort.layer for effort in config.effort):
        yield "search effort"
    simulation = config.simulation
    if simulation is not None and name in simulation.model_dump().values():
        yield "simulation"


def _write_whole(path: Path, text: str) -> None:
    try:
        write_whole(path, text)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
