"""Jobs are done once, by one worker, and again at most twice; on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from minerisk.pipelines.language.desk_codes import DeskCode, DeskNotice, desk_notice
from minerisk.pipelines.service.jobs.orders import JobKind, JobState, Order, Outcome, job_key
from minerisk.pipelines.service.jobs.queue import (
    LOST_S,
    add_job,
    beat,
    cancel,
    claim,
    finish,
    give_back,
    place_of,
    take_back_lost,
)
from minerisk.pipelines.service.store.database import Store, is_current, open_store, upgrade
from minerisk.pipelines.service.store.models import Base, Job

ORDER = Order(kind=JobKind.REQUEST, run="tiny", head="h")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'desk.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")
    upgrade(url)
    opened = open_store(url)
    yield opened
    if request.param == "postgresql":
        with opened.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    opened.engine.dispose()


def add(store: Store, request: str = "a", *, at: float = 1.0, priority: int = 0) -> str:
    with store.write() as session:
        return add_job(session, ORDER, job_key(ORDER, request), at=at, priority=priority).id


def take(store: Store, worker: str = "w", *, at: float = 1.0):
    with store.write() as session:
        return claim(session, worker, at=at)


def job(store: Store, name: str) -> Job:
    with store.read() as session:
        return session.get_one(Job, name)


def test_the_tables_are_those_of_the_models(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    assert is_current(store)


def test_the_same_is_asked_for_once(store: Store) -> None:
    assert add(store, "a") == add(store, "a") != add(store, "b")


def test_many_workers_take_each_job_once(store: Store) -> None:
    names = {add(store, str(number), at=float(number)) for number in range(12)}

    def work(worker: int) -> list[str]:
        taken = []
        for _ in range(30):
            found = take(store, f"w{worker}")
            if found is not None:
                taken.append(found.id)
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [name for each in pool.map(work, range(4)) for name in each]
    assert sorted(taken) == sorted(names)


def test_decisions_come_first_then_the_oldest(store: Store) -> None:
    late, early, first = add(store, "a", at=2), add(store, "b", at=1), add(store, "c", at=3,
                                                                           priority=9)  # fmt: skip
    with store.read() as session:
        assert place_of(session, session.get_one(Job, late)) == 2
    assert [take(store).id for _ in range(3)] == [first, early, late]
    assert take(store) is None


def test_a_job_whose_worker_died_is_done_again_at_most_twice(store: Store) -> None:
    name, at = add(store), 10.0
    for attempt in (1, 2, 3):
        assert take(store, f"w{attempt}", at=at).attempt == attempt
        at += LOST_S + 1
        with store.write() as session:
            assert take_back_lost(session, at=at) == 1
        notice = DeskNotice.model_validate_json(job(store, name).notice)
        again = attempt < 3
        assert notice.code is (DeskCode.WORKER_DIED if again else DeskCode.WORKER_DIED_AGAIN)
        assert job(store, name).state == (JobState.WAITING if again else JobState.FAILED)
    assert take(store) is None
    assert add(store) != name  # what failed may be asked for again


def test_a_worker_that_shows_life_keeps_its_job(store: Store) -> None:
    add(store)
    taken = take(store, at=10)
    with store.write() as session:
        assert beat(session, taken, (1, 2), at=50)
        assert take_back_lost(session, at=10 + LOST_S + 1) == 0


def test_what_a_worker_says_does_not_count_once_another_has_the_job(store: Store) -> None:
    name = add(store)
    lost = take(store, "lost", at=10)
    with store.write() as session:
        take_back_lost(session, at=10 + LOST_S + 1)
    again = take(store, "again", at=60)
    with store.write() as session:
        assert not beat(session, lost, (1, 1), at=61)
        assert not finish(session, lost, Outcome(request="lost"), at=61)
        assert finish(session, again, Outcome(request="again"), at=62)
    assert Outcome.model_validate_json(job(store, name).outcome).request == "again"
    assert job(store, name).state == JobState.DONE


def test_a_job_that_waits_is_cancelled_at_once_and_one_that_runs_at_its_next_beat(
    store: Store,
) -> None:
    waiting, running = add(store, "a", at=2), add(store, "b", at=1)
    taken = take(store)
    with store.write() as session:
        for name in (waiting, running):
            cancel(session, session.get_one(Job, name), at=3)
    assert job(store, waiting).state == JobState.CANCELLED
    with store.write() as session:
        assert not beat(session, taken, (1, 1), at=4)
        assert finish(session, taken, desk_notice(DeskCode.CANCELLED), at=4)
    assert job(store, running).state == JobState.CANCELLED
    assert add(store, "b") != running


def test_a_job_that_is_given_back_is_not_counted(store: Store) -> None:
    name = add(store)
    taken = take(store)
    with store.write() as session:
        give_back(session, taken)
    assert (job(store, name).state, job(store, name).attempts) == (JobState.WAITING, 0)
