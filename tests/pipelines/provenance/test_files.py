from pathlib import Path

import pytest

from minerisk.pipelines.provenance.files import replacing, write_whole


def test_a_file_is_there_only_when_all_of_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "made" / "table.csv"
    with replacing(path) as partial:
        partial.write_text("whole")
        assert not path.exists()
        assert partial.suffix == ".csv"
    assert path.read_text() == "whole"
    assert [item.name for item in path.parent.iterdir()] == ["table.csv"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_after_an_interrupt_the_old_file_is_left_and_nothing_beside_it(
    tmp_path: Path, stop: type[BaseException]
) -> None:
    path = write_whole(tmp_path / "table[1].gpkg", "old")

    def interrupted() -> None:
        with replacing(path) as partial:
            partial.write_text("new")
            partial.with_name(partial.name + "-journal").write_text("of a driver")
            raise stop

    with pytest.raises(stop):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    (tmp_path / ".a.json.partial.json").write_text("half")
    with replacing(path) as partial:
        assert not partial.exists()
        partial.write_text("{}")
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_have_a_scratch_folder_each(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with replacing(path, scratch=tmp_path / "one") as first:
        first.write_text("one")
        with replacing(path, scratch=tmp_path / "two") as second:
            second.write_text("two")
        assert path.read_text() == "two"
    assert path.read_text() == "one"
