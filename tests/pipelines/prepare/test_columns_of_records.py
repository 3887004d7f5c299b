"""What `validate` passes `build` reads, and both as an independent reading does."""

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minerisk.configs.load import load_config
from minerisk.configs.schema import Config
from minerisk.features.errors import InputError
from minerisk.features.grid import study_grid
from minerisk.pipelines.prepare.build import findings_of
from minerisk.pipelines.prepare.validate import run_validate
from minerisk.pipelines.run.layers import open_layers

UTM, WEST, SOUTH = "EPSG:32638", 500_000, 4_400_000
AS_OF = dt.date(2021, 6, 30)
TEXT = """\
study_area: {{name: here, title: Here, boundary: area, crs: "EPSG:32638", resolution_m: 100{as_of}}}
layers:
  area: {{kind: vector, path: area.gpkg}}
  finds: {{kind: vector, path: finds{suffix}, {layer}}}
features:
  - {{kind: distance, layer: area, cap_m: 1000}}
labels:
  positive:
    - {{layer: finds, evidence: find, weight: 1, {record}}}
"""
BITS = {"ap": 1, "at": 2, "uxo": 4, "any": 8}


def study(
    folder: Path,
    columns: dict[str, list[Any]],
    *,
    layer: str = "date_column: date",
    record: str = "hazard: any",
    as_of: dt.date | None = AS_OF,
    suffix: str = ".gpkg",
) -> Path:
    """Write a study area of 10 by 1 cells with a find in each of the first ones."""
    count = len(next(iter(columns.values())))
    area = shapely.box(WEST, SOUTH, WEST + 1_000, SOUTH + 100)
    gpd.GeoDataFrame(geometry=[area], crs=UTM).to_file(folder / "area.gpkg")
    places = [shapely.Point(WEST + 100 * place + 50, SOUTH + 50) for place in range(count)]
    table = pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})
    finds = gpd.GeoDataFrame(table, geometry=places, crs=UTM)
    if suffix == ".parquet":
        finds.to_parquet(folder / "finds.parquet")
    else:
        finds.to_file(folder / f"finds{suffix}")
    day = "" if as_of is None else f", as_of: {as_of}"
    path = folder / "a.yaml"
    path.write_text(TEXT.format(as_of=day, suffix=suffix, layer=layer, record=record))
    return path


def validated(path: Path) -> tuple[Config, list[str]]:
    config = load_config(path)
    report = run_validate(config, layers=open_layers(config, config_path=path))
    return config, [str(problem.code) for problem in report.problems if problem.level == "error"]


def labels(path: Path) -> tuple[list[int], list[int]]:
    """Return state and hazard of the cells, first to last."""
    config = load_config(path)
    bounds = (WEST, SOUTH, WEST + 1_000, SOUTH + 100)
    geobox = study_grid(bounds, crs=UTM, resolution_m=100)
    made = findings_of(config, open_layers(config, config_path=path)).label(geobox)
    return made["state"].to_numpy()[0].tolist(), made["hazard"].to_numpy()[0].tolist()


def independent(text: str | None) -> dt.date | None:
    """Read a date as the standard library does; of a year or month the last day."""
    if text is None or not text.strip():
        return None
    if len(text) == 4:
        return dt.date(int(text), 12, 31)
    if len(text) == 7:
        year, month = int(text[:4]), int(text[5:])
        return dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)
    return dt.datetime.fromisoformat(text).date()


DAYS = st.dates(dt.date(2019, 1, 1), dt.date(2023, 12, 31))
OFFSETS = st.sampled_from(["", "Z", "+04:00", "-05:00", "+05:45"])
READ = (
    DAYS.map(str)
    | DAYS.map(lambda day: f"{day:%Y-%m}")
    | DAYS.map(lambda day: f"{day:%Y}")
    | st.builds(lambda day, offset: f"{day}T00:30:00{offset}", DAYS, OFFSETS)
    | st.builds(lambda day, offset: f"{day}T23:30:00.25{offset}", DAYS, OFFSETS)
    | st.none()
    | st.just(" ")
)
REFUSED = DAYS.map(lambda day: f"{day:%d.%m.%Y}") | DAYS.map(lambda day: f"{day:%y-%m-%d}")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(READ, min_size=1, max_size=8),
    st.lists(REFUSED, max_size=1),
    st.sampled_from([".gpkg", ".geojson", ".fgb", ".parquet"]),
)
def test_finds_up_to_a_day_are_those_of_an_independent_reading(
    read: list[str | None], refused: list[str], suffix: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dates = [*read, *refused]
        path = study(Path(folder), {"date": dates, "name": ["x"] * len(dates)}, suffix=suffix)
        _, errors = validated(path)
        if refused:
            assert errors
            with pytest.raises(InputError, match=r"column date, row \d:"):
                labels(path)
            return
        assert errors == []
        days = [independent(text) for text in read]
        expected = [-1 if day is not None and day > AS_OF else 1 for day in days]
        assert labels(path)[0] == expected + [-1] * (10 - len(read))


@pytest.mark.parametrize("years", [[2019, 2021, 2022, 2020], [2019.0, 2021.0, np.nan, 2020.0]])
def test_a_year_as_a_number_counts_as_its_last_day(years: list[float], tmp_path: Path) -> None:
    path = study(tmp_path, {"date": years})
    assert validated(path)[1] == []
    kept = [1 if np.isnan(year) or year < 2021 else -1 for year in years]
    assert labels(path)[0][:4] == kept


def test_the_day_of_as_of_is_included_whole(tmp_path: Path) -> None:
    dates = ["2021-06-30T23:59:59+04:00", "2021-06-30", "2021-07-01T00:00:00+04:00"]
    assert labels(study(tmp_path, {"date": dates}))[0][:3] == [1, 1, -1]


def test_a_mixed_column_is_read_where_its_format_is_stated(tmp_path: Path) -> None:
    dates = ["30.06.2021", "2021-06-30", "01.07.2021"]
    path = study(tmp_path, {"date": dates})
    assert validated(path)[1] == ["dates_day_or_month"]
    stated = 'date_column: date, date_format: "%d.%m.%Y"'
    path = study(tmp_path, {"date": dates}, layer=stated)
    assert validated(path)[1] == []
    assert labels(path)[0][:3] == [1, 1, -1]


HAZARDS = st.sampled_from(
    ["ap", "AP ", " At", "uxo", "Any", None, "", "  ", "PMN-2", "mina", "gas"]
)
MEANT = {"pmn-2": "ap", "mina": "at"}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(HAZARDS, min_size=1, max_size=8), st.booleans(), st.booleans())
def test_hazard_classes_pass_or_are_refused_alike(
    words: list[str | None], mapped: bool, with_default: bool
) -> None:
    record = "hazard_column: hazard"
    record += ", hazard: uxo" if with_default else ""
    record += ", hazard_values: {ap: [pmn-2], at: [MINA]}" if mapped else ""
    known = {"": "uxo" if with_default else "any"} | {name: name for name in BITS}
    known |= MEANT if mapped else {}
    classes = [known.get((word or "").strip().lower()) for word in words]
    columns = {"hazard": pd.Series(words, dtype=object), "name": ["x"] * len(words)}
    with tempfile.TemporaryDirectory() as folder:
        path = study(Path(folder), columns, layer="layer: finds", record=record, as_of=None)
        _, errors = validated(path)
        if None in classes:
            assert errors == ["unreadable_column"]
            wrong = [number for number, name in enumerate(classes, start=1) if name is None]
            with pytest.raises(InputError, match=f"layer finds, column hazard, row {wrong[0]}"):
                labels(path)
        else:
            assert errors == []
            assert labels(path)[1][: len(words)] == [BITS[str(name)] for name in classes]


@pytest.mark.parametrize(
    ("weights", "row"), [([0.5, None], 2), (["0.5", "0,4"], 2), ([0, 1], 1), (["a", "1"], 1)]
)
def test_weights_that_build_refuses_are_errors_of_validate(
    weights: list[Any], row: int, tmp_path: Path
) -> None:
    path = study(
        tmp_path, {"w": weights}, layer="layer: finds", record="weight_column: w", as_of=None
    )
    assert validated(path)[1] == ["unreadable_column"]
    with pytest.raises(InputError, match=f"layer finds, column w, row {row}: .*above 0, at most 1"):
        labels(path)
