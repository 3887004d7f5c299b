"""What is old is deleted, whatever became of the job, and what the desk did not make stays."""

import dataclasses
from pathlib import Path

import pytest

from minerisk.pipelines.service.jobs.homes import with_home
from minerisk.pipelines.service.jobs.orders import JobKind, JobState, Order, Outcome, job_key
from minerisk.pipelines.service.jobs.queue import LOST_S, TRIES, add_job, claim, finish
from minerisk.pipelines.service.jobs.queue import take_back_lost as take_back
from minerisk.pipelines.service.store.models import Job
from minerisk.pipelines.service.upkeep import tidy

NAME = "0123456789abcdef"
DAY_S = 86_400.0


@dataclasses.dataclass
class Old:
    """Jobs about one request of one run, at days of a desk's life."""

    town: object

    @property
    def home(self) -> Path:
        return self.town.desk.settings.runs / "tiny" / "requests" / NAME

    def ask(self, day: float, language: str = "en") -> str:
        order = Order(kind=JobKind.REQUEST, run="tiny", head="h", language=language)
        with self.town.desk.store.write() as session:
            made = with_home(session, order, self.town.desk.settings.runs, NAME)
            return add_job(session, made, job_key(order, NAME), at=day * DAY_S).id

    def begin(self, day: float):
        with self.town.desk.store.write() as session:
            taken = claim(session, "w", at=day * DAY_S)
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "request.json").write_text("{}")
        return taken

    def end(self, taken, day: float) -> None:
        with self.town.desk.store.write() as session:
            assert finish(session, taken, Outcome(request=NAME), at=day * DAY_S)

    def lose(self, day: float) -> None:
        with self.town.desk.store.write() as session:
            assert take_back(session, at=day * DAY_S + LOST_S + 1) == 1

    def tidy(self, day: float) -> int:
        return tidy(self.town.desk.settings, self.town.desk.store, at=day * DAY_S)

    def state(self, job: str) -> str:
        with self.town.desk.store.read() as session:
            return session.get_one(Job, job).state


@pytest.fixture
def old(town) -> Old:
    return Old(town)


def test_what_a_job_made_that_was_killed_and_done_again_is_deleted(old) -> None:
    job = old.ask(0)
    old.begin(0)
    old.lose(0)
    old.end(old.begin(1), 1)
    assert old.tidy(90) == 0
    assert old.home.exists()
    assert old.tidy(92) == 1
    assert (old.home.exists(), old.state(job)) == (False, JobState.EXPIRED)


def test_what_a_job_left_that_never_ended_is_deleted(old) -> None:
    job = old.ask(0)
    for _ in range(TRIES):
        old.begin(0)
        old.lose(0)
    assert old.state(job) == JobState.FAILED
    assert old.tidy(91) == 0
    assert (old.home.exists(), old.state(job)) == (False, JobState.FAILED)


def test_what_was_in_the_run_before_the_desk_asked_stays(old) -> None:
    old.home.mkdir(parents=True)
    old.ask(0)
    old.end(old.begin(0), 0)
    old.ask(1, "az")
    old.end(old.begin(1), 1)
    assert old.tidy(95) == 2
    assert old.home.exists()


def test_two_results_in_one_folder_are_kept_until_the_later_is_old(old) -> None:
    old.ask(0)
    old.end(old.begin(0), 0)
    old.ask(50, "az")
    old.end(old.begin(50), 50)
    assert old.tidy(91) == 1
    assert old.home.exists()
    assert old.tidy(141) == 1
    assert not old.home.exists()


def test_a_folder_that_is_asked_for_again_is_not_deleted_before_it_is_done(old) -> None:
    old.ask(0)
    old.end(old.begin(0), 0)
    old.ask(91, "ru")
    assert old.tidy(91) == 1
    assert old.home.exists()
    old.end(old.begin(92), 92)
    assert old.tidy(183) == 1
    assert not old.home.exists()
