"""The protocols of a run, on a plain table."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from minerisk.features.errors import InputError
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.results import GateName
from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.evaluate.table import evaluate_table, table_lines
from minerisk.pipelines.evaluate.table_intake import as_columns, read_table
from minerisk.pipelines.records.evaluations import LeftOut, TableMetrics, TableNotice

SIDE = 40
WHAT = {"label": "mine", "coordinates": ("e", "n"), "crs": "EPSG:32638"}


def frame(seed: int = 0, noise: float = 0.0) -> pd.DataFrame:
    """1,600 places 1 km apart; finds are near a line, the last tenth was not searched."""
    rng = np.random.default_rng(seed)
    row, column = np.divmod(np.arange(SIDE**2), SIDE)
    table = pd.DataFrame({"e": 500_000 + 1_000.0 * column, "n": 4_400_000 + 1_000.0 * row})
    table["line_distance_m"] = 1_000 * np.abs(row - 20 - 8 * np.sin(column / 6))
    table["slope"] = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 1).ravel()
    table["word"] = "a"
    logit = 0.5 - table["line_distance_m"] / 2_500 + table["slope"]
    table["mine"] = (rng.random(SIDE**2) < 1 / (1 + np.exp(-logit))).astype(float)
    table.loc[row > 35, "mine"] = np.nan
    table["district"] = (column // 10).astype(str)
    table["date"] = np.datetime64("2000-01-01") + rng.integers(0, 3_000, SIDE**2)
    return table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    (folder / "kept").mkdir()
    frame().to_parquet(folder / "kept" / "places.parquet")
    (folder / "places.parquet").symlink_to(Path("kept") / "places.parquet")
    return folder


@pytest.fixture(scope="module")
def result(folder: Path) -> TableMetrics:
    return evaluate_table(
        folder / "places.parquet", **WHAT, group="district", date="date", out=folder / "out.json"
    )


def test_the_result_is_that_of_a_run(result: TableMetrics) -> None:
    assert set(result.protocols) == {ProtocolName.FAR, ProtocolName.NEAR, ProtocolName.RANDOM}
    assert result.later.tested > result.later.positive > 0
    assert set(result.later.models) == set(result.far.models)
    assert result.far.folds == 4  # the districts
    assert set(result.far.models) == set(ModelName)
    value, low, high = result.far.model.roc_auc
    assert low <= value <= high
    assert value > 0.65
    asked = [name for name in GateName if name is not GateName.RULE]  # of the rule only if set
    assert [gate.name for gate in result.gates] == asked
    assert result.cells.unlabelled == 4 * SIDE
    assert 0 <= result.applicable_share <= 1


def test_the_model_is_compared_on_the_same_draws(result: TableMetrics) -> None:
    compared = result.comparison[ProtocolName.FAR]
    value, low, high = compared[ModelName.PREVALENCE].roc_auc
    assert low <= value <= high
    assert low > 0
    rule = result.far.models[ModelName.DISTANCE_RULE].roc_auc.value
    assert compared[ModelName.DISTANCE_RULE].roc_auc.value == pytest.approx(
        result.far.model.roc_auc.value - rule
    )


def test_no_hectares_are_made_up_and_what_is_written_is_what_is_returned(
    result: TableMetrics, folder: Path
) -> None:
    assert not result.hectares
    regions = [region.intervals for region in result.regions if region.intervals is not None]
    for measures in (result.far.model, *result.comparison[ProtocolName.FAR].values(), *regions):
        assert measures.hectares_to_50 == (None, None, None)
        assert measures.roc_auc.value is not None
    assert TableMetrics.read(folder / "out.json") == result
    assert result.left_out == {"word": LeftOut.NOT_NUMBERS}


def test_permuted_labels_are_not_predicted(result: TableMetrics) -> None:
    assert result.permuted.passed


def test_a_person_reads_the_scores_and_what_to_know(result: TableMetrics) -> None:
    lines = "\n".join(table_lines(result))
    assert "| far | the model |" in lines
    assert f"trained on rows dated up to {result.later.until}" in lines


def intake(table: pd.DataFrame, folder: Path, **more):
    table.to_csv(folder / "t.csv", index=False)
    options = {"group": None, "date": None, "features": None} | more
    columns = as_columns("mine", ("e", "n"), **options)
    return read_table(folder / "t.csv", columns, crs="EPSG:32638")


def test_a_table_of_a_spreadsheet_of_another_country_is_the_same_table(tmp_path: Path) -> None:
    table = frame()
    table["e"] += 0.25
    plain = intake(table, tmp_path, date="date")
    table["date"] = table["date"].dt.strftime("%d.%m.%Y")
    table.to_csv(tmp_path / "de.csv", index=False, sep=";", decimal=",", encoding="utf-8-sig")
    columns = as_columns(
        "mine", ("e", "n"), group=None, date="date", date_format="%d.%m.%Y", features=None
    )
    there = read_table(tmp_path / "de.csv", columns, crs="EPSG:32638")
    pd.testing.assert_frame_equal(there.table.cells, plain.table.cells)
    np.testing.assert_array_equal(there.table.state, plain.table.state)
    np.testing.assert_array_equal(there.days, plain.days)
    assert there.features == plain.features


def test_dates_of_a_table_are_not_guessed(tmp_path: Path) -> None:
    table = frame()
    table["date"] = table["date"].dt.strftime("%d/%m/%Y")
    with pytest.raises(InputError, match="which number is the day and which the month"):
        intake(table, tmp_path, date="date")


@pytest.mark.parametrize("word", ["0x1", "1,0", "ja", "1_0"])
@pytest.mark.parametrize("column", ["mine", "n"])
def test_a_label_or_place_is_a_number_as_everywhere(column: str, word: str, tmp_path: Path) -> None:
    table = frame().astype({column: object})
    table.loc[7, column] = word
    table[column] = table[column].astype(str)
    table.to_parquet(tmp_path / "t.parquet")
    columns = as_columns("mine", ("e", "n"), group=None, date=None, features=None)
    with pytest.raises(InputError, match=word):
        read_table(tmp_path / "t.parquet", columns, crs="EPSG:32638")


def test_a_column_that_gives_the_label_away_is_refused(tmp_path: Path) -> None:
    table = frame()
    table["finds_here"] = table["mine"] * 3
    table["report_id"] = np.where(table["mine"] == 1, 1.0, np.nan)
    with pytest.raises(InputError, match="give the label away") as caught:
        intake(table, tmp_path)
    assert "finds_here" in str(caught.value)
    table["report_id"] = np.where(table["mine"] == 1, np.arange(len(table)), np.nan)
    with pytest.raises(InputError, match="report_id"):
        intake(table.drop(columns="finds_here"), tmp_path)


def test_features_constant_in_each_group_are_named(tmp_path: Path) -> None:
    table = frame()
    table["district_rain"] = table["district"].astype(float) ** 2
    (notice,) = intake(table, tmp_path, group="district").notices
    assert notice.code is TableNotice.FEATURES_NAME_GROUPS
    assert notice.values == {"columns": ("district_rain",)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mine": 2.0}, "expected 1"),
        ({"e": "here"}, "row 2: e is .here.; expected a number"),
        ({"mine": 1.0}, "labels of one kind"),
    ],
)
def test_wrong_tables_are_refused_in_words(tmp_path: Path, change: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        intake(frame().assign(**change), tmp_path)


def test_columns_that_are_not_there_and_columns_named_twice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column"):
        intake(frame(), tmp_path, group="parish")
    with pytest.raises(InputError, match="named twice"):
        as_columns("e", ("e", "n"), group=None, date=None, features=None)
    with pytest.raises(InputError, match="cannot be features"):
        as_columns("mine", ("e", "n"), group=None, date=None, features=["mine"])


def test_degrees_become_metres_and_swapped_ones_are_refused(tmp_path: Path) -> None:
    table = frame().assign(e=46 + np.arange(1600) % 40 / 100, n=39.5 + np.arange(1600) // 40 / 100)
    table.to_parquet(tmp_path / "t.parquet")
    columns = as_columns("mine", ("e", "n"), group=None, date=None, features=["slope"])
    read = read_table(tmp_path / "t.parquet", columns, crs="EPSG:4326")
    assert read.crs == "EPSG:32638"
    assert read.features == ("slope",)
    assert np.ptp(read.table.coordinates, axis=0) == pytest.approx((33_600, 43_300), rel=0.02)
    table.assign(n=120.0).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match="degrees"):
        read_table(tmp_path / "t.parquet", columns, crs="EPSG:4326")


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.pkl").write_bytes(b"x")
    columns = as_columns("mine", ("e", "n"), group=None, date=None, features=None)
    with pytest.raises(InputError, match="pickle"):
        read_table(tmp_path / "t.pkl", columns, crs="EPSG:32638")


def test_a_link_to_a_table_elsewhere_is_followed(result: TableMetrics, folder: Path) -> None:
    content = (folder / "kept" / "places.parquet").read_bytes()
    assert (folder / "places.parquet").is_symlink()
    assert result.table.sha256 == hashlib.sha256(content).hexdigest()


def test_dates_of_a_table_are_read_as_those_of_a_layer(tmp_path: Path) -> None:
    table = frame().assign(date="2004-06-30T00:30:00+04:00")
    table.loc[0, "date"], table.loc[1, "e"] = "2004", np.nan
    found = intake(table, tmp_path, date="date")
    assert found.days[:2].tolist() == [12_783, 12_599]  # 31 December and 30 June 2004
    assert len(found.days) == len(found.table.state)
    with pytest.raises(InputError, match=r"column date, row 3, 4, .*'30\.06\.2004' does not say"):
        intake(table.assign(date=["2004"] * 2 + ["30.06.2004"] * 1598), tmp_path, date="date")
