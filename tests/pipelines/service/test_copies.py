"""A desk is copied, put back into a database of either kind, and upgraded with jobs that wait."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import MetaData, insert, inspect, select, text
from sqlalchemy.exc import DatabaseError

from minerisk.features.errors import InputError
from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.people import Credentials, add_account, try_sign_in
from minerisk.pipelines.service.copies import back_up, restore
from minerisk.pipelines.service.desk.access_log import export, first_broken, note
from minerisk.pipelines.service.jobs.orders import JobKind, JobState, Order, job_key
from minerisk.pipelines.service.jobs.queue import LOST_S, add_job, claim, take_back_lost
from minerisk.pipelines.service.serving import open_desk
from minerisk.pipelines.service.settings import Limits, Settings
from minerisk.pipelines.service.store.database import (
    Store,
    bring,
    is_current,
    open_store,
    prepare_file,
    upgrade,
)
from minerisk.pipelines.service.store.models import Account, Area, Base, Job, Request

KINDS = ("sqlite", "postgresql")
WORDS = "a phrase of four words"
ORDER = Order(kind=JobKind.REQUEST, run="tiny", head="h")
OLD_ACCOUNT = {
    "id": "a" * 32, "name": "Əli", "folded": "əli", "roles": ["manager"], "active": True,
    "password": None, "totp": None, "totp_confirmed": False, "totp_step": 0, "failed": 0,
    "locked_until": 0.0, "created_at": 1.5, "requests_a_day": None,
}  # fmt: skip


def settings_at(home: Path, url: str) -> Settings:
    runs = home.parent / "runs"
    runs.mkdir(exist_ok=True)
    own = url.endswith(f"{home}/desk.sqlite")
    return Settings(home=home, runs=runs, database=None if own else url)


def fill(settings: Settings) -> str:
    """Make a desk with an account, its area, a job that waits and one that runs; the first's id."""
    desk = open_desk(settings)
    (settings.uploads / "b").mkdir(parents=True)
    (settings.uploads / "b" / "land.geojson").write_text("{}")
    (settings.dossiers / "c").mkdir(parents=True)
    (settings.dossiers / "c" / "index.html").write_text("read")
    with desk.store.write() as session:
        account = add_account(session, "Əli Şahin", [Role.MANAGER], WORDS, at=1 / 3)
        session.flush()
        names = [
            add_job(session, ORDER, job_key(ORDER, word), at=float(at)).id
            for at, word in enumerate(("first", "second"))
        ]
        claim(session, "a worker", at=5.0)
        session.add(
            Area(id="b", account_id=account.id, name="Ağdam\n", sha256="0" * 64, facts="{}",
                 created_at=2.0)
        )  # fmt: skip
        session.add(
            Request(id="d", account_id=account.id, run_id="r", job_id=names[1], title="x",
                    created_at=3.0)
        )  # fmt: skip
        for number in range(3):
            note(session, "Əli Şahin", "ask", "d", hectares=number / 7)
    desk.store.engine.dispose()
    return names[1]


def rows_of(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.read() as session:
        return {
            table.name: sorted(map(tuple, session.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


@pytest.mark.parametrize("into", KINDS)
@pytest.mark.parametrize("of", KINDS)
def test_a_copy_has_every_row_whichever_database_it_is_put_into(
    of: str, into: str, database_of: Callable[..., str], tmp_path: Path
) -> None:
    source = settings_at(tmp_path / "desk", database_of(of))
    upgrade(source.database_url)
    waiting = fill(source)
    copy = back_up(source, tmp_path / "desk.tar.gz")
    assert copy.stat().st_mode & 0o077 == 0  # it has what passwords are checked by

    there = settings_at(tmp_path / "again", database_of(into, "again"))
    restore(there, copy)
    one, other = open_store(source.database_url), open_store(there.database_url)
    assert rows_of(one) == rows_of(other)
    assert sum(map(len, rows_of(other).values())) == 8
    assert is_current(other)
    assert (there.uploads / "b" / "land.geojson").read_text() == "{}"
    assert (there.dossiers / "c" / "index.html").read_text() == "read"
    with other.write() as session:
        assert first_broken(export(session)) is None
        found = try_sign_in(session, Credentials("əli şahin", WORDS), Limits(), at=9.0)
        assert isinstance(found, Account)
        note(session, None, "sign in refused", "")  # the log goes on
        assert first_broken(export(session)) is None
        taken = claim(session, "w", at=9.0)
        assert taken is not None
        assert taken.id == waiting
        assert take_back_lost(session, at=6.0 + LOST_S) == 1  # what ran at the time of the copy
    with pytest.raises(DatabaseError, match="only added to"), other.write() as session:
        session.execute(text("DELETE FROM access_log"))
    for store in (one, other):
        store.engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_an_upgrade_keeps_jobs_that_wait_and_run(
    kind: str, database_of: Callable[..., str], tmp_path: Path
) -> None:
    settings = settings_at(tmp_path / "desk", database_of(kind))
    waiting = old_desk(settings.database_url)
    with pytest.raises(InputError, match=r"another version.*`minerisk desk upgrade`"):
        open_desk(settings)
    copy = back_up(settings, tmp_path / "before.tar.gz")
    upgrade(settings.database_url)
    upgrade(settings.database_url)  # nothing is left to do
    there = settings_at(tmp_path / "again", database_of(kind, "again"))
    restore(there, copy)  # and a copy of the earlier version is brought to this one
    for url in (settings.database_url, there.database_url):
        store = open_store(url)
        assert is_current(store)
        with store.write() as session:
            account = session.get_one(Account, OLD_ACCOUNT["id"])
            assert (account.name, account.roles, account.subject) == ("Əli", ["manager"], None)
            assert take_back_lost(session, at=10_000.0) == 1
            states = [job.state for job in session.scalars(select(Job))]
            assert states == [JobState.WAITING] * 2
            taken = [claim(session, "w", at=10_001.0) for _ in range(3)]
            assert [each and each.order for each in taken] == [ORDER, ORDER, None]
            assert waiting in {each.id for each in taken if each}
        store.engine.dispose()


def old_desk(url: str) -> str:
    """A database of the first version, with a job that waits and one that runs."""
    prepare_file(url)
    store = open_store(url)
    job = {"kind": "request", "order": ORDER.model_dump_json(), "priority": 0, "step": 0,
           "steps": 0, "cancel_asked": False, "created_at": 1.0}  # fmt: skip
    with store.writing() as connection:
        bring(connection, "0001")
        known = MetaData()
        known.reflect(connection)
        connection.execute(insert(known.tables["accounts"]), [OLD_ACCOUNT])
        connection.execute(insert(known.tables["jobs"]), [
            {**job, "id": "1", "key": "k", "live_key": "k", "state": "waiting", "attempts": 0,
             "heartbeat_at": None},
            {**job, "id": "2", "key": "l", "live_key": "l", "state": "running", "attempts": 1,
             "heartbeat_at": 2.0},
        ])  # fmt: skip
    store.engine.dispose()
    return "1"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    settings = settings_at(tmp_path / "desk", f"sqlite:///{tmp_path / 'desk'}/desk.sqlite")
    fill(settings)
    return back_up(settings, tmp_path / "desk.tar.gz")


def elsewhere(tmp_path: Path) -> Settings:
    return settings_at(tmp_path / "again", f"sqlite:///{tmp_path / 'again'}/desk.sqlite")


def changed(copy: Path, name: str, content: bytes | None) -> Path:
    """A copy with another member, or without one."""
    out = copy.with_name("changed.tar.gz")
    with tarfile.open(copy) as there, tarfile.open(out, "w:gz") as here:
        for member in there.getmembers():
            if member.name != name:
                here.addfile(member, there.extractfile(member))
        if content is not None:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            here.addfile(entry, io.BytesIO(content))
    return out


def about(copy: Path, **more: object) -> bytes:
    with tarfile.open(copy) as archive:
        found = archive.extractfile("desk.json")
        assert found is not None
        return json.dumps({**json.loads(found.read()), **more}).encode()


def test_a_desk_that_is_there_is_not_written_over(copy: Path, tmp_path: Path) -> None:
    there = elsewhere(tmp_path)
    restore(there, copy)
    with pytest.raises(InputError, match=r"There is a desk in .*again"):
        restore(there, copy)


def test_what_is_no_copy_or_not_whole_leaves_nothing(copy: Path, tmp_path: Path) -> None:
    cut, other = tmp_path / "cut.tar.gz", tmp_path / "other.tar.gz"
    cut.write_bytes(copy.read_bytes()[:-400])
    other.write_bytes(gzip.compress(b"notes"))
    refused = {
        cut: "cannot be read as the copy",
        other: "cannot be read as the copy",
        tmp_path / "nowhere": "cannot be read as the copy",
        changed(copy, "../evil", b"x"): "holds ../evil",
    }
    there = elsewhere(tmp_path)
    for file, words in refused.items():
        with pytest.raises(InputError, match=words):
            restore(there, file)
    for name, content, words in (
        ("tables/accounts.jsonl", None, "has no tables/accounts.jsonl"),
        ("tables/accounts.jsonl", b"", "0 of 1 rows of accounts"),
        ("desk.json", None, "has no desk.json"),
        ("desk.json", about(copy, tables="9999"), "later version of minerisk"),
        ("desk.json", about(copy, schema_version=2), "schema_version|version"),
    ):
        with pytest.raises(InputError, match=words):
            restore(there, changed(copy, name, content))
    assert inspect(open_store(there.database_url).engine).get_table_names() == []
    restore(there, copy)


def test_a_database_that_does_not_answer_is_told_in_a_line(tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "desk", "postgresql://nobody@127.0.0.1:1/desk")
    with pytest.raises(InputError, match="database cannot be used"):
        open_desk(settings)
    settings.home.mkdir(exist_ok=True)
    with pytest.raises(InputError, match="database cannot be used"):
        back_up(settings, tmp_path / "x.tar.gz")
    (tmp_path / "desk" / "desk.sqlite").write_text("notes of somebody, and no database at all")
    with pytest.raises(InputError, match="database cannot be used"):
        open_desk(settings_at(tmp_path / "desk", f"sqlite:///{tmp_path / 'desk'}/desk.sqlite"))
