"""What validate passes build reads, and what is read equals an independent reading.

Some hundred of the layers that ``make fuzz-layers`` draws by the thousand; the same ones each time.
"""

from tests.fuzz.holding import Tally
from tests.fuzz.layers import draw_layers


def test_rasters() -> None:
    tally = Tally()
    draw_layers(tally, number=0, rasters=120)
    assert (tally.faults, tally.examples, tally.wrongly) == ({}, {}, {})
    assert tally.tried > 100


def test_vectors() -> None:
    tally = Tally()
    draw_layers(tally, number=0, vectors=80)
    assert (tally.faults, tally.examples, tally.wrongly) == ({}, {}, {})
    assert tally.tried > 60
