"""A ``tasks.json`` for reports."""

from dataclasses import fields

import pytest

from minerisk.configs.schema import Tasks
from minerisk.models.tasks.survey_tasks import TaskSummary
from minerisk.pipelines.records.tasks import Capture, TaskFile


@pytest.fixture
def task_file():
    return _task_file


def _task_file(found, *, shares, minus=(), gap=None, missing=(), reasons=()):
    """Make what is known of tasks: `found` and `minus` are rules and what they find."""
    numbers = {field.name: 0 for field in fields(TaskSummary)} | {"gap": gap}
    return TaskFile.of(
        asked=Tasks(),
        summary=TaskSummary(**numbers),
        weights={"hazard": 1.0},
        criteria=(),
        missing=missing,
        standing={},
        ranked=2,
        undecided=1,
        block_side=1,
        left_out_regions=Capture(
            shares=shares, cells=10, positive=2, found=found, tasks_minus=dict(minus)
        ),
        reasons=reasons,
    )
