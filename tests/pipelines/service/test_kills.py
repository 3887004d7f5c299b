"""A request is done although its worker, or the server, is killed at any instant."""

from pathlib import Path

from tests.faults.desk_kills import kill_once, make_town, open_town


def test_requests_are_done_once_whatever_is_killed(made_run: Path, tmp_path: Path) -> None:
    folder = made_run.parent.parent / f"killed-{tmp_path.name}"
    folder.mkdir()
    with open_town(make_town(made_run, folder)) as town:
        assert [kill_once(town, seed) for seed in range(2)] == [[], []]
        assert sum(town.kills.values()) == 2
