"""Each point of a map that cannot be misread, demanded of the demo and of Bosnia."""

import pytest

from tests.areas.points import POINTS
from tests.areas.reading import Area

pytestmark = pytest.mark.areas


@pytest.mark.parametrize("point", POINTS)
def test_the_point_holds_of_the_area(area: Area, point: int) -> None:
    POINTS[point][1](area)
