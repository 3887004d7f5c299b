import json
import re
from functools import partial
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.kinds import FEATURE_KINDS as KINDS
from minerisk.features.layers.problems import LayerCode, Level
from minerisk.models.cautions import Caution, CautionCode
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.formats import cog, palette
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.language.numbers import number
from minerisk.pipelines.plotting import figures
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.manifest import (
    BuildFacts,
    LayerCover,
    LineError,
    Manifest,
    MovedColumn,
    Stage,
)
from minerisk.pipelines.records.tasks import Rule
from minerisk.pipelines.records.validation import Problem
from minerisk.pipelines.report.facts import Assessment
from minerisk.pipelines.report.report import write_report
from minerisk.pipelines.report.wording import Wording
from minerisk.pipelines.run.folder import read_config

TINY = Path(__file__).parents[3] / "configs" / "tiny.yaml"
GRID = GeoBox.from_bbox((4.9e6, 2.3e6, 4.92e6, 2.315e6), "EPSG:3035", shape=(60, 80))
RULES = {
    Rule.TASKS: (Estimate(0.3, 0.2, 0.4),), Rule.NEAREST_LINE: (Estimate(0.2, 0.1, 0.3),)
}  # fmt: skip
MOVED = MovedColumn(column="front_distance_m", unit="m", change=956.7, spread=15010.0, share=0.0637)
LEFT_OUT = Problem(
    level=Level.NOTE,
    layer="bridges",
    code=LayerCode.FEATURE_LEFT_OUT,
    values={"kind": "distance", "layer": "bridges", "absent": "bridges"},
)


@pytest.fixture
def files(tmp_path, metrics_of):
    found = RunFolder(tmp_path)
    found.metrics.write_text(metrics_of().to_json())
    classes = np.full((60, 80), palette.LOWER, dtype=np.uint8)
    classes[:6], classes[6:18], classes[-6:] = palette.HIGHER, palette.CANNOT_SAY, palette.OUTSIDE
    cog.write_raster(
        found.raster("risk_class"),
        classes,
        GRID,
        description="Risk class",
        style=palette.CLASS_LEGEND,
    )
    return found


def page_of(files, title="Test area", **known):
    return write_report(files, title=title, **known).read_text(encoding="utf-8")


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        assert tag not in {"script", "link", "iframe", "object"}
        self.found += [value for name, value in attrs if name in {"src", "href"}]


def test_the_page_needs_nothing_from_outside(files):
    page = page_of(files)
    links = Links()
    links.feed(page)
    remote = [link for link in links.found if not link.startswith("#")]  # marks of the map repeat
    assert len(remote) == 5  # one map; regions, importance, reliability, capture
    assert all(link.startswith("data:image/png;base64,") for link in remote)
    assert "http://" not in page
    assert "https://" not in page
    assert not re.search(r"url\((?!#)", page)


def test_every_table_scrolls_by_itself_on_a_phone(files):
    page = page_of(files)
    lines = [line for line in page.splitlines() if line.strip()]
    before = [above for above, line in pairwise(lines) if line.startswith("<table")]
    assert len(before) == page.count("<table") > 5
    assert all(line.endswith('<div class="wide">') for line in before)


def test_words_from_outside_are_escaped(files):
    page = page_of(files, title="<script>alert(1)</script>")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_simulated_findings_are_marked_and_real_ones_are_not(files, metrics_of):
    assert "SIMULATED" not in page_of(files)
    files.metrics.write_text(metrics_of(simulated=True).to_json())
    page = page_of(files)
    assert page.index("SIMULATED</b>") < page.index("<h1>")
    assert "No accuracy may be claimed" in page


def test_the_report_of_a_run_is_a_draft_from_top_to_footer(files):
    page = page_of(files)
    assert page.index("DRAFT: nobody has approved this run</b>") < page.index("<h1>")
    assert '@bottom-left { content: "DRAFT: nobody has approved this run' in page
    assert "a pack made later says how the run stands then" in page


def test_the_page_answers_before_any_statistics(files):
    page = page_of(files)
    asked = ("Where next", "Why", "How sure", "As of when", "By whom approved")
    places = [page.index(f"<dt>{words}</dt>") for words in asked]
    assert places == sorted(places)
    assert places[-1] < page.index('class="verdict"') < page.index('class="tiles"')
    assert "Nobody has reviewed this run." in page


@pytest.mark.parametrize(
    ("minus", "words"),
    [
        ((0.1, 0.02, 0.2), "Far: whole regions it was not trained on: it beats the plain rule"),
        ((0.1, -0.02, 0.2), "it does not beat the plain rule"),
        ((-0.1, -0.2, -0.02), "it is beaten by the plain rule"),
    ],
)
def test_the_verdict_goes_by_the_interval_of_the_difference(minus, words):
    compared = {ModelName.DISTANCE_RULE: SimpleNamespace(found_in_top_20=Estimate(*minus))}
    metrics = SimpleNamespace(comparison={ProtocolName.FAR: compared}, protocols={})
    (found,) = Wording(ENGLISH).against_rule(metrics)
    assert words in found


def test_without_a_paired_comparison_nothing_is_said_of_the_rule():
    metrics = SimpleNamespace(comparison={}, protocols={})
    assert Wording(ENGLISH).against_rule(metrics) == []


def test_the_page_says_what_it_must(files):
    page = re.sub(r"\s+", " ", page_of(files))
    for words in (
        "must not be used for",
        "optimistic reference, never the quality of this map",
        "Distance rule, ha",
        "cannot say",
        "FAILED",
        "This run has no manifest",
        "No tasks have been made yet",
    ):
        assert words in page, words
    # 12 of 54 rows of land are cannot say.
    assert "For 22 % of the land the model cannot say" in page


def test_the_first_page_says_where_probabilities_cannot_be_gone_by(files, metrics_of):
    caution = Caution(code=CautionCode.CALIBRATION_NOT_KNOWN, slope_low=0.3, slope_high=1.2)
    words = "Calibration not known: its slope on regions left out is between 0.3 and 1.2"
    for cautions, said in (((caution,), True), ((), False)):
        files.metrics.write_text(metrics_of(cautions=cautions).to_json())
        first, _ = page_of(files).split("<h2>", 1)
        assert (words in first) is said


def test_the_same_run_gives_the_same_page(files):
    assert page_of(files) == page_of(files)


def test_tasks_and_inputs_are_listed(files):
    files.tasks_csv.write_text(
        "task,arm,rank,hectares,expected_finds,probability,lower,upper,latitude,longitude\n"
        "NTS-0001,ranked,1,250.0,4.2,0.11,0.05,0.2,43.1,17.2\n"
        "NTS-C0002,control,,100.0,,,,,43.2,17.3\n"
    )
    digest = "ab12" * 16
    config = read_config(TINY)
    line = config.layers["front_line"].model_copy(update={"source": "Survey of 1995"})
    config = config.model_copy(update={"layers": {**config.layers, "front_line": line}})
    build = BuildFacts(
        built=True,
        cells=4800,
        shape=(60, 80),
        features=("front_distance_m",),
        left_out=(LEFT_OUT,),
        line_error=LineError(cell_m=500.0, draws=4, rows=(MOVED,) * 10),
        regions=2,
        coverage=(LayerCover(layer="front_line", share=0.4, findings=120, silent_findings=30),),
    )
    manifest = Manifest.of(
        study_area="test",
        title="Test area",
        simulated=False,
        config_file="config.yaml",
        stages=(
            stage("build", inputs={"layer:front_line": digest}, facts=build),
            stage("prioritize", outputs={"tasks.csv": digest}),
        ),
    )
    page = page_of(files, config=config, manifest=manifest)
    assert "NTS-0001" in page
    assert "1 ranked task on 250 ha" in page
    assert "<b>front line</b> speaks for 40 % of the land" in page
    assert "Of 120 cells with a finding, 30 lie where it is silent." in page
    assert "1 control task on 100 ha" in page
    assert page.count(digest) == 2
    assert "Survey of 1995" in page
    assert f"{line.position_error_m:,.0f} m" in page
    words = {kind: family.words for kind, family in KINDS.items()}
    assert f"{words['fortifications']}; " in page
    assert f"{words['wetness']}; " in page
    assert words["front_line"] not in page
    assert words["search_effort"] not in page
    assert "moved by it, 4 times, on a grid of 500 m" in page
    assert "front distance m" in page
    assert "957 m" in page
    assert "6.4 %" in page
    assert "2 more change by a smaller share" in page
    assert "distance of bridges is left out: bridges is optional and has no file." in page


def stage(name, *, inputs=None, outputs=None, facts=None):
    return Stage(
        name=name,
        key="",
        settings="",
        environment="",
        inputs=inputs or {},
        outputs=outputs or {},
        seconds=1.0,
        facts={} if facts is None else facts.model_dump(mode="json"),
    )


@pytest.fixture
def verdict(tmp_path, metrics_of):
    """Put in a sentence how a model compares with the distance rule."""

    def say(**fields):
        RunFolder(tmp_path).metrics.write_text(metrics_of(**fields).to_json())
        return Wording(ENGLISH).verdict(Assessment.of(RunFolder(tmp_path)))

    return say


def test_a_model_no_better_than_the_rule_is_said_to_be(verdict):
    assert "use the rule" in verdict(found=0.5, rule=0.55)
    assert "use the rule" not in verdict(found=0.69, rule=0.55)
    assert "not measured" in verdict(found=0.69, rule=None)


def test_an_order_worse_than_chance_is_said_to_be(verdict):
    assert "do not survey in this order" in verdict(found=0.12, rule=0.1)


def test_the_order_of_models_in_the_file_does_not_matter(files, metrics_of):
    page = page_of(files)
    plain = json.loads(files.metrics.read_text())
    files.metrics.write_text(json.dumps(plain, sort_keys=True))
    assert page_of(files) == page
    assert "the model (this map)" in page


def test_numbers_are_worded():
    assert number(1234567.8, "hectares") == "1,234,568"
    assert number(0.0123, "share") == "1.2 %"
    assert ENGLISH.interval(0.75, 0.85) == "0.750 to 0.850"
    assert ENGLISH.interval(0.6, 0.7, "share") == "60 to 70 %"
    assert ENGLISH.interval(None, float("nan")) == ""
    assert number(None) == "–"


def test_a_run_without_metrics_is_refused(tmp_path):
    with pytest.raises(InputError, match="There is no"):
        write_report(RunFolder(tmp_path), title="x")
    (tmp_path / "metrics.json").write_text("{")
    with pytest.raises(InputError, match="JSON"):
        write_report(RunFolder(tmp_path), title="x")


@pytest.mark.parametrize("form", ["png", "svg"])
def test_figures_repeat_and_bear_their_marks(form, metrics_of):
    folds = np.arange(4800).reshape(60, 80) % 7 - 1
    found = metrics_of()
    far = ProtocolName.FAR
    drawings = [
        partial(figures.reliability_figure, found.reliability[far], form=form),
        partial(figures.capture_figure, found.capture[far], form=form),
        partial(figures.importance_figure, found.importance, form=form),
        partial(figures.region_figure, found.regions, form=form),
        partial(
            figures.tasks_capture_figure,
            RULES,
            [0.05],
            words={Rule.TASKS: "tasks", Rule.NEAREST_LINE: "nearest"},
            form=form,
        ),
        partial(figures.fold_figure, folds, GRID, words="Folds", form=form),
    ]
    for draw in drawings:
        assert draw(marks=()) == draw(marks=()) != draw(marks=("DRAFT", "SIMULATED"))


def test_nothing_to_draw_is_refused(metrics_of):
    with pytest.raises(InputError, match="at least one"):
        figures.region_figure(metrics_of().regions[1:], marks=())
