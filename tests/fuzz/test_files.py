"""A few of the layers that `make fuzz-files` spoils by the thousand."""

from tests.fuzz.files import fuzz


def test_spoiled_layers_are_read_or_refused_and_nothing_is_called() -> None:
    found = fuzz(40, seed=20)
    assert found["calls"] == 0
    assert set(found["total"]) <= {"read", "refused", "reader ended"}, found["told"]
    assert len(found["by_kind"]) == 10
