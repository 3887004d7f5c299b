"""One page that a survey manager can read, print and file: `report.html`, with nothing remote."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from minerisk.configs.schema import Config
from minerisk.models.elsewhere.statement import LikeLand
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import Measure
from minerisk.pipelines.language.marks import SIMULATED, Marks
from minerisk.pipelines.language.messages import Texts, texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.plotting.data_uri import data_uri
from minerisk.pipelines.plotting.map_layers import MapLayers
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.manifest import Manifest
from minerisk.pipelines.records.review import Review, State
from minerisk.pipelines.report.drawing import draw_figures
from minerisk.pipelines.report.facts import Assessment
from minerisk.pipelines.report.inputs import Inputs
from minerisk.pipelines.report.maps import Maps, layers_of_run, run_maps
from minerisk.pipelines.report.pages import report_page
from minerisk.pipelines.report.tasks import TaskFacts, read_tasks
from minerisk.pipelines.run.folder import Run

NO_LAYERS = MapLayers()
TOP_MOVED = 8
SINCE = marked(
    "This page was written with the run; a pack made later says how the run stands then."
)
EFFORT: Mapping[float, Measure] = {
    0.5: Measure.HECTARES_TO_50,
    0.8: Measure.HECTARES_TO_80,
    0.95: Measure.HECTARES_TO_95,
}


@dataclass(frozen=True)
class Scope:
    """The land that a report is about.

    Attributes
    ----------
    name
        Of the area asked for; empty is the whole study area.
    cells, hectares
        Of the map; the cells of a public copy are larger.
    expected_finds
        Contaminated cells of the run, expected on land nobody has searched where the model can
        speak.
    cell_m
        Cell of the map, metres.
    """

    name: str
    cells: int
    hectares: float
    expected_finds: float
    cell_m: float


@dataclass(frozen=True)
class Report:
    """What a report shows, of a run or of the land of a request.

    Attributes
    ----------
    title
        Of the study area.
    found
        How good the model is.
    inputs
        What went into the run.
    manifest
        Of the run; None in a folder that has none.
    tasks
        Survey tasks; None where none were made.
    maps
        Drawn maps; None where there are no rasters.
    state
        How the run stands, for each figure to say above it.
    marks
        Lines across the top, in the reader's language.
    hidden
        Figures that are left out.
    since
        From when the marks are, where that is not the day of reading.
    scope
        The land of a request; None in the report of a run.
    like
        How good the map is on land like that asked for; None in the report of a run, whose metrics
        say it of what nobody surveyed.
    decision
        The last decision on the run; None where nobody has decided.
    """

    title: str
    found: Assessment
    inputs: Inputs
    manifest: Manifest | None = None
    tasks: TaskFacts | None = None
    maps: Maps | None = None
    state: State = State.DRAFT
    marks: Sequence[str] = ()
    hidden: Sequence[str] = ()
    since: str = ""
    scope: Scope | None = None
    like: LikeLand | None = None
    decision: Review | None = None

    @classmethod
    def of(
        cls, files: RunFolder, *, title: str, config: Config | None, manifest: Manifest | None
    ) -> Self:
        """Gather what a report shows but its maps.

        Raises
        ------
        InputError
            If the run is not trained.
        """
        return cls(
            title=title,
            found=Assessment.of(files),
            inputs=Inputs.of(config, manifest),
            manifest=manifest,
            tasks=read_tasks(files),
        )

    def page(self, texts: Texts, files: RunFolder) -> str:
        """Write the page; figures are drawn from the run folder."""
        metrics = self.found.metrics
        environment = None if self.manifest is None else self.manifest.environment("train")
        return report_page(
            "report.html.j2",
            texts,
            title=self.title,
            simulated=metrics.simulated,
            metrics=metrics,
            facts=self.found,
            novelty=self.found.novelty,
            inputs=self.inputs,
            absent=[*map(texts.say, self.inputs.absent), *map(texts.say, self.inputs.left_out)],
            tasks=self.tasks,
            maps=self.maps,
            marks=self.marks,
            printed=" · ".join(self._printed(texts)),
            since=self.since,
            scope=self.scope,
            like=self.like,
            decision=self.decision,
            cell_m=metrics.resolution_m if self.scope is None else self.scope.cell_m,
            silent=self._silent,
            settings=_settings(self.found),
            effort=_effort(self.found),
            figures={
                name: data_uri(image)
                for name, image in self._figures(texts.language, files).items()
                if name not in self.hidden
            },
            environment=environment,
            top_moved=TOP_MOVED,
        )

    def _figures(self, language: str, files: RunFolder) -> Mapping[str, bytes]:
        capture = None if self.tasks is None else self.tasks.capture
        return draw_figures(files, self.found.metrics, capture, state=self.state, language=language)

    def _printed(self, texts: Texts) -> Iterator[str]:
        yield from self.marks
        if self.found.metrics.simulated:
            yield texts.say(SIMULATED)

    @property
    def _silent(self) -> float:
        if self.maps is None:
            return 1 - self.found.metrics.applicable_share
        return self.maps.shares["cannot_say"]


def report_of_run(run: Run, language: str = "en", *, state: State = State.DRAFT) -> Path:
    """Write the report of a run: ``report.html``, or ``report_<language>.html`` beside it.

    Parameters
    ----------
    state
        How the run stands. Nobody can have approved a run whose report is only being written.

    Raises
    ------
    InputError
        If the run is not trained, or there are no texts in that language.
    """
    decided = run.reviews().entries
    return write_report(
        run.files,
        title=run.config.study_area.title_in(language),
        config=run.config,
        manifest=run.manifest(),
        layers=layers_of_run(run),
        language=language,
        state=state,
        decision=decided[-1] if decided and state is not State.DRAFT else None,
    )


def write_report(
    files: RunFolder,
    *,
    title: str,
    config: Config | None = None,
    manifest: Manifest | None = None,
    layers: MapLayers = NO_LAYERS,
    language: str = "en",
    state: State = State.DRAFT,
    decision: Review | None = None,
) -> Path:
    """Write the report of a run folder.

    Reads ``metrics.json``; and, where they are there, ``rasters/``, ``tasks.csv``, ``tasks.json``,
    ``tasks.gpkg``, ``cube.zarr`` and ``figures/folds.png``. What is missing is left out, and
    reported as missing.

    Parameters
    ----------
    files
        The run folder.
    title
        Of the study area.
    config, manifest
        Of the run; without them the report states that nothing can be checked.
    layers
        What is drawn over the map.
    language
        Another than English goes into ``report_<language>.html``: the English one is on record.
    state, decision
        How the run stands, and the last decision on it.

    Raises
    ------
    InputError
        If the run is not trained, or there is no catalogue of the language.
    """
    told = texts(language)
    report = Report.of(files, title=title, config=config, manifest=manifest)
    marks = Marks(state, report.found.metrics.simulated)
    drawn = replace(
        report,
        maps=run_maps(files, layers, marks=marks, texts=told),
        marks=Marks(state, simulated=False).words(told),
        state=state,
        since=told.say(SINCE),
        decision=decision,
    )
    return write_whole(files.report_in(language), drawn.page(told, files))


def _settings(found: Assessment) -> str:
    """List what was chosen for the final model; empty if nothing was searched."""
    final = found.metrics.settings.get("final", ())
    if not final:
        return ""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in final[-1].items())


def _effort(found: Assessment) -> list[tuple[float, Estimate, Estimate | None]]:
    """Pair the hectares that the model and the distance rule need to find a share."""
    model = found.model.by_measure()
    rule = None if found.rule is None else found.rule.by_measure()
    return [
        (share, model[measure], None if rule is None else rule[measure])
        for share, measure in EFFORT.items()
    ]
