"""A few of the layers that `make fuzz-files` spoils by the thousand."""

from tests.fuzz.files import fuzz


def test_spoiled_layers_are_read_or_refused_and_nothing_is_called() -> None:
    found = fuzz(range(40))
    assert (found.calls, found.wrong) == ([], [])
    assert found.outcomes.total() == 40
    assert len(found.kinds) == 10
