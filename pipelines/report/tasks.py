"""The survey tasks of a report: the first of them, why, and whether they beat rules of thumb."""

import csv
from dataclasses import dataclass
from typing import Annotated

import pydantic

from minerisk.models.estimate import Estimate
from minerisk.models.tasks.survey_tasks import Arm, Firmness
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.prioritize.words import nearest_brief
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.tasks import Capture, TaskFile, TaskReasons

Maybe = Annotated[float | None, pydantic.BeforeValidator(lambda value: value or None)]


class TaskLine(pydantic.BaseModel):
    """What a reader is told of a task, from a row of ``tasks.csv``; other columns are left out.

    Attributes
    ----------
    arm
        Why it is there.
    place
        Whether its rank can be distinguished from those around it; empty without a rank.
    band
        Band of tasks that cannot be told apart, from 1; empty without a rank.
    evidence_m
        Distance to the nearest evidence, metres.
    """

    task: str
    arm: Arm
    hectares: float
    rank: str = ""
    team_days: Maybe = None
    expected_finds: Maybe = None
    probability: Maybe = None
    lower: Maybe = None
    upper: Maybe = None
    rank_low: str = ""
    rank_high: str = ""
    place: str = ""
    band: str = ""
    evidence_m: Maybe = None


class TaskRow(TaskLine):
    """A task with its place, degrees."""

    latitude: float
    longitude: float

    @property
    def interval(self) -> Estimate:
        """Mean probability, with its interval."""
        return Estimate(self.probability, self.lower, self.upper)

    @property
    def undecided(self) -> bool:
        """Whether its rank is not distinguishable from its neighbours'."""
        return self.place == Firmness.UNDECIDED


@dataclass(frozen=True)
class ArmRows:
    """Tasks that are there for the same reason, in order."""

    rows: tuple[TaskRow, ...]

    @property
    def count(self) -> int:
        """How many."""
        return len(self.rows)

    @property
    def hectares(self) -> float:
        """Their land."""
        return sum(row.hectares for row in self.rows)


@dataclass(frozen=True)
class TaskFacts:
    """What a report shows of survey tasks.

    Attributes
    ----------
    ranked, learn, control
        Tasks by arm.
    file
        What is known of them beside their table; None where it is kept back.
    """

    ranked: ArmRows
    learn: ArmRows
    control: ArmRows
    file: TaskFile | None = None

    @property
    def rows(self) -> tuple[TaskRow, ...]:
        """Every task, arm by arm."""
        return (*self.ranked.rows, *self.learn.rows, *self.control.rows)

    @property
    def undecided(self) -> int:
        """How many ranked tasks have a rank not distinguishable from their neighbours'."""
        return sum(row.undecided for row in self.ranked.rows)

    @property
    def bands(self) -> int:
        """How many bands of ranked tasks there are; 0 where none is ranked or banded."""
        return len({row.band for row in self.ranked.rows if row.band})

    @property
    def capture(self) -> Capture | None:
        """How tasks compare with rules of thumb on regions left out; None where not measured."""
        found = None if self.file is None else self.file.left_out_regions
        return found if isinstance(found, Capture) else None

    def reasons(self, task: TaskRow) -> TaskReasons | None:
        """Find why a task is where it is."""
        known = () if self.file is None else self.file.reasons
        return next((item for item in known if item.task == task.task), None)

    def nearest(self, task: TaskRow, texts: Texts) -> str:
        """Name the evidence nearest to a task; nothing where that is kept back."""
        found = self.reasons(task)
        return "" if found is None else nearest_brief(found.evidence, texts)


def task_lines(files: RunFolder) -> tuple[TaskLine, ...]:
    """Read what ``tasks.csv`` tells of each task, in its order."""
    with files.tasks_csv.open(encoding="utf-8", newline="") as stream:
        return tuple(TaskLine.model_validate(row) for row in csv.DictReader(stream))


def read_tasks(files: RunFolder) -> TaskFacts | None:
    """Read the tasks of a run or of a request; None where none were made."""
    if not files.tasks_csv.is_file():
        return None
    with files.tasks_csv.open(encoding="utf-8", newline="") as stream:
        rows = [TaskRow.model_validate(row) for row in csv.DictReader(stream)]

    def of(arm: Arm) -> ArmRows:
        return ArmRows(tuple(row for row in rows if row.arm is arm))

    known = files.tasks_json
    return TaskFacts(
        ranked=of(Arm.RANKED),
        learn=of(Arm.LEARN),
        control=of(Arm.CONTROL),
        file=TaskFile.read(known) if known.is_file() else None,
    )
