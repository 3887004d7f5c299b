"""The access log: chained, only added to, exported whole."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from minerisk.pipelines.service.desk.access_log import export, first_broken, note


def lines(town) -> list[str]:
    return town.administrator.get("/api/access-log").text.splitlines()


def test_each_line_follows_from_the_one_before(town) -> None:
    with town.desk.store.write() as session:
        for subject in "abc":
            note(session, "ann", "download", subject, file="pack.zip", hectares=2.5)
    found = lines(town)
    assert len(found) == 4  # the export is a line too
    assert first_broken(iter(found)) is None


@pytest.mark.parametrize(
    ("spoil", "broken"),
    [
        (lambda rows: [rows[0], rows[1].replace("ann", "bob"), rows[2]], 2),
        (lambda rows: [rows[0], rows[2]], 2),
        (lambda rows: rows[1:], 1),
        (lambda rows: [rows[1], rows[0], rows[2]], 1),
        (lambda rows: [*rows, "{}"], 4),
    ],
)
def test_a_line_that_was_changed_left_out_or_moved_is_found(town, spoil, broken) -> None:
    with town.desk.store.write() as session:
        for subject in "abc":
            note(session, "ann", "download", subject)
        rows = [line.rstrip("\n") for line in export(session)]
    assert first_broken(iter(rows)) is None
    assert first_broken(iter(spoil(rows))) == broken


@pytest.mark.parametrize("statement", ["UPDATE access_log SET line = ''", "DELETE FROM access_log"])
def test_the_database_refuses_to_change_it(town, statement: str) -> None:
    with town.desk.store.write() as session:
        note(session, "ann", "download", "a")
    with pytest.raises(DatabaseError, match="only added to"), town.desk.store.write() as session:
        session.execute(text(statement))


def test_what_fails_leaves_no_line(town) -> None:
    before = len(lines(town))
    assert town.scientist.post("/api/runs", json={"folder": "nothing"}).status_code == 404
    assert len(lines(town)) == before + 1
