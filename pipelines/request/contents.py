"""What goes into a pack, and what the pack has to say of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from minerisk.models.elsewhere.statement import LikeLand
from minerisk.pipelines.formats.workbook import Line
from minerisk.pipelines.language.marks import STANDS, USE, Marks
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.predict.window import CubeWindow
from minerisk.pipelines.records.request import Edition, Filters
from minerisk.pipelines.records.review import State
from minerisk.pipelines.report.inputs import Inputs
from minerisk.pipelines.report.pages import report_page
from minerisk.pipelines.report.wording import NOT_FOR, Wording
from minerisk.pipelines.request.public_copy import FACTOR
from minerisk.pipelines.request.titles import ALL, request_title
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY, HAZARD_TITLES, hazard_rasters

PUBLIC_WORDS = marked("PUBLIC COPY: cells of {size:count} m, no findings")
NO_TASK = marked(
    "No survey task fits the land that was asked for by itself: the tasks are those of the run "
    "that touch it."
)
FILES: Mapping[str, str] = {
    "map.qgs": marked("open this in QGIS: everything, in order and styled"),
    "report.html": marked("open this in a browser, print it on A4; needs no network"),
    "tasks.gpkg": marked(
        "survey tasks for QGIS and ArcGIS; .csv and .xlsx for a spreadsheet, .kml for phones, "
        ".geojson for IMSMA and the rest"
    ),
    "task_sheets.html": marked("with --sheets: a page of A4 for each survey task, to print"),
    "phone.mbtiles": marked(
        "with --phone: classes, tasks and registered areas for QField, Locus and other apps with "
        "offline maps"
    ),
    "risk_class.tif": marked("higher, elevated, lower, cannot say; lower means survey later"),
    "probability.tif": marked(
        "calibrated probability, with _lower and _upper the ends of its interval. No value: cannot "
        "say, or outside the study area; area_of_applicability.tif tells the two apart"
    ),
    "probability_unmasked.tif": marked(
        "NOT FOR RANKING: the probability of every cell, cannot say too; for scores and checks "
        "(restricted copy)"
    ),
    "classes.json": marked("what each class of this land holds, and where classes are cut"),
    "reasons.tif": marked("what moves the score of a cell most (restricted copy)"),
    "dissimilarity.tif": marked("over 1: the data do not support a statement there"),
    "area_of_applicability.tif": marked("1: the data support a statement; 0: cannot say"),
    "map.gpkg": marked("front line, places, and in the restricted copy what is registered"),
    "elevation.tif": marked("heights, for the shade of hills, where the run knows them"),
    "MODEL_CARD.md": marked("what the model is for, how good it is, where it fails"),
    "manifest.json": marked("SHA-256 of every file, and the run they come from"),
}


@dataclass(frozen=True)
class PackContents:
    """What a pack is made of.

    Attributes
    ----------
    run
        The run that answers.
    window
        The cells asked for.
    area
        The polygons asked for, in the run's CRS; none is the whole study area.
    id
        Of the request: a hash of run, filters and area.
    filters
        What was asked for.
    public
        Whether the answer is coarsened for the public.
    state
        How the run stands; a run that does not verify, or was withdrawn, answers nothing.
    taken
        SHA-256 of what the answer is made of.
    tasks
        The GeoPackage of survey tasks.
    hazard
        Class of the maps and tasks; ``any``, and then those of `classes` go with them.
    classes
        Hazard classes that have maps of their own in a folder of their name.
    texts
        The words of the reader's language.
    notes
        What else the reader has to know, in that language.
    like
        How good the map is on land like this; None where another day is asked for.
    sheets
        Whether a page for each task goes with it.
    phone
        Whether a map for phones goes with it.
    """

    run: Run
    window: CubeWindow
    area: gpd.GeoDataFrame | None
    id: str
    filters: Filters
    public: bool
    state: State
    taken: Mapping[str, str]
    tasks: Path
    hazard: str = ANY
    classes: Sequence[str] = ()
    texts: Texts = ENGLISH
    notes: Sequence[str] = ()
    like: LikeLand | None = None
    sheets: bool = False
    phone: bool = False

    @property
    def head(self) -> str:
        """The end of the run's trail."""
        return self.run.manifest().head

    @property
    def marks(self) -> tuple[str, ...]:
        """What every file has to state of itself, in English; see `marks_in`."""
        return self.marks_in(ENGLISH)

    def marks_in(self, texts: Texts, *, simulated: bool = True) -> tuple[str, ...]:
        """List what every file has to state of itself; nothing if approved and on real findings.

        Parameters
        ----------
        simulated
            Whether to state that findings are simulated, where they are.
        """
        words = (
            *Marks(self.state, simulated and self.run.simulated).words(texts),
            texts.say(PUBLIC_WORDS, size=self.cell_m) if self.public else "",
            ""
            if self.hazard == ANY
            else texts.say("{hazard} only", hazard=texts.say(HAZARD_TITLES[self.hazard])),
        )
        return tuple(word for word in words if word)

    @property
    def title(self) -> str:
        """What was asked for, in words of the reader's language."""
        return request_title(self.filters, self.texts)

    @property
    def cell_m(self) -> float:
        """Metres of a cell of its maps."""
        return self.run.config.study_area.resolution_m * (FACTOR if self.public else 1)

    @property
    def stated(self) -> Marks:
        """How the run stands, and whether its findings are simulated."""
        return Marks(self.state, self.run.simulated)

    @property
    def tags(self) -> dict[str, str]:
        """Metadata of every raster."""
        return {
            "RUN": self.run.config.study_area.name,
            "RUN_HEAD": self.head,
            "HAZARD": self.hazard,
            "USE": USE,
            "COPY": self.edition,
        }

    @property
    def edition(self) -> Edition:
        """Whether the answer is coarsened for the public."""
        return "public" if self.public else "restricted"

    @property
    def findings(self) -> str:
        """What kind of findings the run rests on."""
        return "SIMULATED" if self.run.simulated else "recorded"

    def rasters(self, hazard: str) -> Path:
        """Name the folder of the run's rasters of a hazard class."""
        return hazard_rasters(self.run.folder, hazard)


def workbook_facts(request: PackContents, bands: int) -> list[Line]:
    """List what the first sheet of a spreadsheet says, beside its marks: what this is, and not.

    Parameters
    ----------
    bands
        How many bands of ranked tasks there are.
    """
    say, area = request.texts.say, request.run.config.study_area
    lines = [
        Line(say("What it is"), say("Survey tasks proposed by a risk model of {title}.",
                                    title=area.title_in(request.texts.language))),
        Line(say("What it is not"), say(STANDS)),
        *(Line("", say(words)) for words in NOT_FOR),
        Line(say("Land asked for"), say(ALL) if request.area is None
             else request.title),
        *([Line(say("Order"), Wording(request.texts).bands(bands))] if bands else []),
        Line(say("Run"), request.head),
    ]  # fmt: skip
    return [*lines, Line("", "")]


def readme(request: PackContents, notes: Sequence[str]) -> str:
    """Write ``README.txt`` of a pack in its language; `notes` come last, a line each."""
    inputs = Inputs.of(request.run.config, request.run.manifest())
    return report_page(
        "pack_readme.txt.j2",
        request.texts,
        marks=request.marks_in(request.texts),
        title=request.run.config.study_area.title_in(request.texts.language),
        area="" if request.area is None else request.title,
        head=request.head,
        files=FILES,
        classes=request.classes,
        uses=(USE, STANDS),
        day=inputs.day,
        evidence=inputs.evidence,
        cell_m=request.cell_m,
        notes=notes,
    )
