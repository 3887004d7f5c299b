"""Survey tasks: contiguous land for a team, chosen under a budget, ranked with intervals."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.models.tasks.arms import control_tasks, learning_tasks
    from minerisk.models.tasks.priorities import make_tasks
    from minerisk.models.tasks.rank_intervals import ranks_under_intervals, ranks_under_weights
    from minerisk.models.tasks.selection import Limits, best_tasks
    from minerisk.models.tasks.shapes import compactness, grow_tasks, parcels
    from minerisk.models.tasks.survey_tasks import Arm, SurveyTasks, TaskLand, TaskRequest
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "Arm",
    "Limits",
    "SurveyTasks",
    "TaskLand",
    "TaskRequest",
    "best_tasks",
    "compactness",
    "control_tasks",
    "grow_tasks",
    "learning_tasks",
    "make_tasks",
    "parcels",
    "ranks_under_intervals",
    "ranks_under_weights",
]
