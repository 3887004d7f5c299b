import re
from pathlib import Path

import pytest
from rich.console import Console

from minerisk.configs.load import load_config
from minerisk.configs.schema import Config
from minerisk.features.errors import FindingError
from minerisk.features.layers.problems import LayerCode, Level
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.pipelines.prepare.validate import (
    render_html,
    run_validate,
    show_report,
    stop_on_errors,
)
from minerisk.pipelines.records.validation import LayerContent, LayerFacts, Problem, Validation
from minerisk.pipelines.run.layers import Placed, open_layers

TINY = Path(__file__).parents[3] / "configs" / "tiny.yaml"


@pytest.fixture(scope="module")
def tiny() -> Config:
    return load_config(TINY)


def made_up(message: str = "All well.") -> Validation:
    facts = LayerFacts(
        name="a",
        kind="vector",
        path="a.gpkg",
        sha256="00",
        content=LayerContent(crs="WGS 84", features=1, geometry="Point"),
        uses=("feature",),
        source="x",
        licence="y",
    )
    reason, rows = {"reason": message}, {"undated": 1, "rows": 2}
    problems = (
        Problem(layer="a", level=Level.ERROR, code=LayerCode.UNREADABLE, values=reason),
        Problem(layer="a", level=Level.NOTE, code=LayerCode.UNDATED, values=rows),
    )
    return Validation.of(
        study_area="here",
        title=f"<b>{message}</b>",
        simulated=True,
        layers=(facts,),
        problems=problems,
    )


def test_the_embedded_area_has_no_errors_and_its_report_is_the_same_each_time(
    tiny: Config, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        layers = open_layers(tiny, config_path=TINY)
        report = run_validate(tiny, layers=layers, out_dir=tmp_path / name)
        assert not report.failed
        stop_on_errors(report)
    for name in ("validation.json", "validation.html"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    stored = Validation.read(tmp_path / "first" / "validation.json")
    assert stored == report
    assert {layer.name for layer in stored.layers} == set(tiny.layers)
    assert {len(layer.sha256 or "") for layer in stored.layers} == {0, 64}
    assert not list((tmp_path / "first").glob("*.part"))


def test_an_override_is_read_from_where_the_run_wrote_it(tiny: Config, tmp_path: Path) -> None:
    source = open_layers(tiny, config_path=TINY).path("settlements")
    copy = tmp_path / "places.csv"
    copy.write_bytes(source.read_bytes())
    layers = open_layers(
        tiny, config_path=TINY, overrides={"settlements": Placed(copy.parent, copy.name)}
    )
    assert layers.path("settlements") == copy.resolve()
    crs = tiny.study_area.crs
    assert len(layers.vector("settlements", crs=crs)) == 9
    assert isinstance(layers.source("settlements"), VectorSource)


def test_errors_stop_and_are_named(tmp_path: Path, tiny: Config) -> None:
    layers = Layers({name: VectorSource(Path(f"{name}.gpkg")) for name in tiny.layers}, tmp_path)
    report = run_validate(tiny, layers=layers, out_dir=None)
    with pytest.raises(FindingError, match=r"study_area\.gpkg does not exist") as caught:
        stop_on_errors(report)
    assert caught.value.exit_code == 1
    assert "more" in str(caught.value)
    assert report.problems[0].level == "error"


def test_the_page_escapes_and_loads_nothing() -> None:
    page = render_html(made_up("<script>alert(1)</script>"))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href)\s*=|url\(|@import|http", page.replace("http-equiv", ""))
    assert "SIMULATED" in page
    assert "1 error, 0 warnings, 1 note." in page
    assert "1 × Point" in page
    assert "1 of 2 rows has no date." in page


def test_the_terminal_shows_brackets_as_they_are() -> None:
    console = Console(record=True, width=120)
    show_report(made_up("values [bold]5[/bold]"), console)
    text = console.export_text()
    assert "values [bold]5[/bold]" in text
    assert "1 error, 0 warnings, 1 note; cannot be used as it is." in text


@pytest.mark.data
def test_bosnia_has_no_errors(tmp_path: Path) -> None:
    import os

    if "MINERISK_DATA" not in os.environ:
        pytest.skip("MINERISK_DATA is not set")
    path = TINY.with_name("bosnia.yaml")
    config = load_config(path)
    report = run_validate(config, layers=open_layers(config, config_path=path), out_dir=tmp_path)
    assert not report.failed
    assert {problem.code for problem in report.problems} >= {
        LayerCode.DUPLICATES,
        LayerCode.LONG_STEPS,
    }
