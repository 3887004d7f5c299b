import numpy as np
import pytest
from shapely.geometry import Point, box

from minerisk.features.errors import InputError
from minerisk.features.evidence.labels import EvidenceLayer, label_cells

EVERYWHERE = box(-1_000, -1_000, 1_000, 1_000)


def label(geobox, *layers, surveyed=None, search_weight=0.8):
    return label_cells(geobox, layers, surveyed=surveyed, search_weight=search_weight)


def test_three_states_by_hand(grid, frame):
    # A find in column 0; columns 0 to 2 surveyed; nobody looked in column 3.
    found = label(
        grid(1, 4),
        EvidenceLayer(frame([Point(50, -50)]), "find", 1.0),
        surveyed=frame([box(0, -100, 300, 0)]),
    )
    assert found.state.values.tolist() == [[1, 0, 0, -1]]
    np.testing.assert_allclose(found.weight, [[1.0, 0.8, 0.8, 0.0]])
    assert found.evidence.values.tolist() == [[1, 0, 0, 0]]
    assert [str(found[name].dtype) for name in ("state", "weight", "hazard", "evidence")] == [
        "int8", "float32", "uint8", "uint8",
    ]  # fmt: skip


def test_every_kind_of_evidence_in_a_cell_is_kept_beside_the_strongest(grid, frame):
    # A find and an accident in column 0, the weaker accident inside a suspected area in column 1.
    found = label(
        grid(1, 3),
        EvidenceLayer(frame([Point(50, -50)]), "find", 1.0),
        EvidenceLayer(frame([Point(60, -50), Point(150, -50)]), "accident", 0.5),
        EvidenceLayer(frame([box(110, -90, 190, -10)]), "suspicion", 0.7),
    )
    assert found.evidence.values.tolist() == [[1, 4, 0]]
    find, accident, suspicion = 1, 2, 8
    assert found.kinds.values.tolist() == [[find | accident, accident | suspicion, 0]]


def test_without_a_search_nothing_is_negative(grid, frame):
    found = label(grid(2, 2), EvidenceLayer(frame([Point(50, -50)]), "find", 1.0))
    assert found.state.values.tolist() == [[1, -1], [-1, -1]]


def test_evidence_outside_surveyed_land_is_positive_all_the_same(grid, frame):
    layer = EvidenceLayer(frame([Point(350, -50)]), "accident", 1.0)
    found = label(grid(1, 4), layer, surveyed=frame([box(0, -100, 200, 0)]))
    assert found.state.values.tolist() == [[0, 0, -1, 1]]


def test_each_search_is_believed_by_its_own_effort(grid, frame):
    # Surveyed land of 0.8 in columns 0 and 1; results of 0.3 in 1 and 2, of 0.5 in 2 and 3; a
    # find in column 3 speaks before any search.
    found = label_cells(
        grid(1, 5),
        [EvidenceLayer(frame([Point(350, -50)]), "find", 1.0)],
        surveyed=frame([box(0, -100, 200, 0)]),
        search_weight=0.8,
        searches=[
            (0.5, frame([box(200, -100, 400, 0)])),
            (0.3, frame([box(100, -100, 300, 0)])),
        ],
    )
    assert found.state.values.tolist() == [[0, 0, 0, 1, -1]]
    np.testing.assert_allclose(found.weight, [[0.8, 0.8, 0.5, 1.0, 0.0]])
    with pytest.raises(InputError, match="weight of evidence is 0"):
        label_cells(
            grid(1, 1), [], surveyed=None, search_weight=1, searches=[(0.0, frame([EVERYWHERE]))]
        )


def test_the_strongest_evidence_speaks(grid, frame):
    found = label(
        grid(1, 2),
        EvidenceLayer(frame([box(10, -90, 190, -10)]), "suspicion", 0.5),
        EvidenceLayer(frame([Point(50, -50)]), "find", 1.0),
        EvidenceLayer(frame([box(10, -90, 190, -10)]), "cleared", 0.5),
    )
    assert found.evidence.values.tolist() == [[1, 4]]
    assert found.weight.values.tolist() == [[1.0, 0.5]]


def test_any_touch_of_a_polygon_is_positive(grid, frame):
    layer = EvidenceLayer(frame([box(90, -60, 110, -50)]), "suspicion", 0.5)
    assert label(grid(1, 3), layer).state.values.tolist() == [[1, 1, -1]]


def test_touched_but_hardly_covered_is_neither(grid, frame):
    # Covers 0.9 of the first cell and 0.1 of the second.
    shape = frame([box(10, -100, 110, 0)])
    layer = EvidenceLayer(shape, "suspicion", 0.5, cells="cover", min_coverage=0.5)
    found = label(grid(1, 3), layer, surveyed=frame([EVERYWHERE]))
    assert found.state.values.tolist() == [[1, -1, 0]]


def test_points_need_no_coverage(grid, frame):
    layer = EvidenceLayer(frame([Point(50, -50)]), "find", 1.0, cells="cover", min_coverage=0.5)
    assert label(grid(1, 2), layer).state.values.tolist() == [[1, -1]]


def test_hazards_of_all_evidence_are_kept(grid, frame):
    own = frame([Point(50, -50), Point(60, -50), Point(150, -50)], hazard=["ap", "at", None])
    found = label(
        grid(1, 3),
        EvidenceLayer(own, "find", 1.0, hazard="any"),
        EvidenceLayer(frame([box(110, -90, 290, -10)]), "suspicion", 0.5, hazard="uxo"),
    )
    assert found.hazard.values.tolist() == [[1 + 2, 8 + 4, 4]]


def test_the_latest_day_is_kept(grid, frame):
    points = frame([Point(50, -50), Point(60, -50), Point(150, -50)], day=[9_496, 11_446, np.nan])
    found = label(grid(1, 2), EvidenceLayer(points, "find", 1.0))
    np.testing.assert_array_equal(found.last_date, [[11_446, np.nan]])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"evidence": "rumour"}, "expected one of"),
        ({"weight": 0.0}, "above 0"),
        ({"hazard": "gas"}, "hazard classes"),
    ],
)
def test_evidence_that_makes_no_sense_is_refused(grid, frame, change, words):
    fields = {"frame": frame([Point(50, -50)]), "evidence": "find", "weight": 1.0} | change
    with pytest.raises(InputError, match=words):
        label(grid(1, 1), EvidenceLayer(**fields))
