import numpy as np
import pytest
from shapely.geometry import Point, box

from minerisk.features.errors import InputError
from minerisk.features.evidence.minefield_records import minefield_records


def made(fake_layers, fake_source, frame, grid, *, error_m=0.0, **settings):
    """Two records in cells 0 and 4 of a row of six 100 m cells."""
    columns = settings.pop("columns", {})
    records = frame([Point(50, -50), Point(450, -50)], **columns)
    layers = fake_layers(
        {"records": records}, sources={"records": fake_source(position_error_m=error_m)}
    )
    given = {"layer": "records", "accuracy": 0.25, "cap_m": 1_000.0} | settings
    return minefield_records(layers, grid(1, 6), **given)


def test_a_record_right_one_time_in_four_counts_as_four_times_as_far(
    fake_layers, fake_source, frame, grid
):
    found = made(fake_layers, fake_source, frame, grid)
    distance = found["records_records_distance_m"].to_numpy()
    np.testing.assert_array_equal(distance, [[0, 400, 800, 400, 0, 400]])
    chance = found["records_records_chance"].to_numpy()
    np.testing.assert_allclose(chance, [[0.25, 0, 0, 0, 0.25, 0]])


def test_each_record_counts_by_its_own_accuracy(fake_layers, fake_source, frame, grid):
    found = made(
        *(fake_layers, fake_source, frame, grid),
        **{"columns": {"share": [1.0, np.nan]}, "accuracy_column": "share", "accuracy": 0.5},
    )
    # From the sure record 100 m a cell, from the other 200 m a cell.
    distance = found["records_records_distance_m"].to_numpy()
    np.testing.assert_array_equal(distance, [[0, 100, 200, 200, 0, 200]])
    np.testing.assert_allclose(found["records_records_chance"], [[1, 0, 0, 0, 0.5, 0]])


def test_chance_fades_with_the_position_error_and_levels_add_as_independent(
    fake_layers, fake_source, frame, grid
):
    found = made(
        *(fake_layers, fake_source, frame, grid),
        **{"columns": {"share": [0.8, 0.5]}, "accuracy_column": "share", "error_m": 200.0},
    )
    chance = found["records_records_chance"].to_numpy()[0, 2]
    # Both are 200 m, one standard deviation, away.
    assert chance == pytest.approx(1 - (1 - 0.8 * np.exp(-0.5)) * (1 - 0.5 * np.exp(-0.5)))


def test_beyond_the_cap_there_is_no_chance(fake_layers, fake_source, frame, grid):
    found = made(fake_layers, fake_source, frame, grid, error_m=500.0, cap_m=200.0)
    assert found["records_records_chance"].to_numpy()[0, 2] == 0
    assert found["records_records_distance_m"].to_numpy().max() == 200


def test_overlapping_polygons_of_one_accuracy_count_once(fake_layers, fake_source, frame, grid):
    records = frame([box(0, -100, 100, 0), box(0, -100, 200, 0)])
    found = minefield_records(
        fake_layers({"old": records}), grid(1, 4), layer="old", accuracy=0.25, cap_m=500.0
    )
    assert found["records_old_chance"].to_numpy()[0, 0] == 0.25


@pytest.mark.parametrize("share", [0.0, 25.0, -0.1])
def test_an_accuracy_that_is_no_share_is_refused(share, fake_layers, fake_source, frame, grid):
    with pytest.raises(InputError, match="expected a number above 0, at most 1"):
        made(
            *(fake_layers, fake_source, frame, grid),
            **{"columns": {"share": [share, 0.5]}, "accuracy_column": "share"},
        )


def test_a_missing_column_is_named(fake_layers, fake_source, frame, grid):
    with pytest.raises(InputError, match="has no column 'share'"):
        made(fake_layers, fake_source, frame, grid, accuracy_column="share")
