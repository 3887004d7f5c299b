"""What is wrong or doubtful in what a run is given: configuration and layers."""

from collections.abc import Iterable

from minerisk.configs.problems import ConfigCode, ConfigProblem
from minerisk.features.layers.problems import LayerCode, LayerProblem, Level
from minerisk.pipelines.records.notice import Notice

CONFIGURATION = "configuration"
"""In the place of a layer's name, where the configuration itself is meant."""


class Problem(Notice[ConfigCode | LayerCode]):
    """One thing to know before a run.

    Attributes
    ----------
    level
        Errors stop a run; warnings are for a person to judge; notes state what was done.
    layer
        Its name, or `CONFIGURATION`.
    """

    level: Level
    layer: str


def of_config(problem: ConfigProblem) -> Problem:
    """Record a problem of the configuration; its place is one of the values."""
    return Problem(
        level=Level(problem.level),
        layer=CONFIGURATION,
        code=problem.code,
        values={"place": problem.place, **problem.values},
    )


def of_layer(problem: LayerProblem) -> Problem:
    """Record a problem of a layer."""
    return Problem(
        level=problem.level, layer=problem.layer, code=problem.code, values=problem.values
    )


def count_level(problems: Iterable[Problem], level: Level) -> int:
    """Count the problems of a level."""
    return sum(problem.level == level for problem in problems)
