"""What a comparison of two runs says, a line each."""

from collections.abc import Iterator, Sequence

from minerisk.models.estimate import Estimate
from minerisk.pipelines.records.comparison import (
    Cause,
    CauseCode,
    Change,
    ChangeKind,
    Comparison,
    Moves,
    SharedScores,
    TaskMove,
)
from minerisk.pipelines.records.lookback import UNSURVEYED

SHOWN = 10


def comparison_lines(found: Comparison) -> Iterator[str]:
    """Word a comparison: what differs, scores, maps, tasks."""
    yield from made_of_lines(found, found.settings)
    yield from score_lines(found.scores)
    yield from map_lines(found)
    yield from _task_lines("gone", found.tasks.gone)
    yield from _task_lines("new", found.tasks.new)


def made_of_lines(found: Comparison, settings: Sequence[Change]) -> Iterator[str]:
    """Word what differs in what the runs were made of, with these settings."""
    if found.simulated:
        yield "SIMULATED findings in one of the runs: nothing here is about real land."
    yield from _listed("Settings", [_setting(change) for change in settings])
    yield from _listed("Data", [_layer(change) for change in found.data])
    yield from _listed("Made with", [cause_words(cause) for cause in found.made_with])


def score_lines(scores: SharedScores) -> Iterator[str]:
    """Word the differences of scores."""
    first, second = scores.cells
    yield (
        f"Scores on the {scores.same_label:,} cells that both held out with the same label "
        f"(of {first:,} and {second:,}; second less first, 90 % interval):"
    )
    if not scores.protocols:
        yield "  too few shared cells to compare."
    for protocol, measures in scores.protocols.items():
        for name, difference in measures.items():
            yield from (f"  {protocol} {name}: {words}." for words in _difference(difference))


def map_lines(found: Comparison) -> Iterator[str]:
    """Word how the maps differ: by region, then by district."""
    if found.regions is None:
        yield f"The maps cannot be compared: {found.no_regions}"
        return
    for row in found.regions:
        yield f"{region_words(row.region)}: {_moved(row)}"
    if found.districts is None:
        yield f"Not listed by district: {found.no_districts}"
        return
    changed = [row for row in found.districts if row.changed_ha or row.moved_share]
    yield f"{len(changed)} of {len(found.districts)} districts changed; the most changed first:"
    yield from (f"  {row.district}: {_moved(row)}" for row in changed[:SHOWN])


def region_words(number: int | None) -> str:
    """Name a region; only surveyed land is divided into regions."""
    if number is None:
        return "All land"
    return "Land that nobody surveyed" if number == UNSURVEYED else f"Region {number}"


def cause_words(cause: Cause) -> str:
    """Word one thing that is not the same in both runs."""
    if cause.code is CauseCode.NOT_MADE:
        return "not made again"
    if cause.code is CauseCode.SETTINGS:
        return "its settings differ"
    if cause.code is CauseCode.LAYER:
        return f"{cause.name} has other bytes"
    what = {
        CauseCode.CODE: "code",
        CauseCode.PYTHON: "Python",
        CauseCode.MACHINE: "machine",
        CauseCode.LIBRARY: f"library {cause.name}",
    }[cause.code]
    return f"{what}: {cause.then or 'none'} then, {cause.now or 'none'} now"


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    yield f"{title}:" if lines else f"{title}: the same."
    yield from (f"  {line}." for line in lines)


def _setting(change: Change) -> str:
    if change.kind is ChangeKind.REMOVED:
        return f"{change.name} was {change.then!r}; it is not there now"
    if change.kind is ChangeKind.ADDED:
        return f"{change.name} is {change.now!r}; it was not there before"
    return f"{change.name} was {change.then!r}, is {change.now!r}"


def _layer(change: Change) -> str:
    return {
        ChangeKind.REMOVED: f"{change.name} was used; it is not now",
        ChangeKind.ADDED: f"{change.name} is used; it was not before",
        ChangeKind.CHANGED: f"{change.name} has other bytes",
    }[change.kind]


def _difference(found: Estimate) -> Iterator[str]:
    if found.value is None or found.low is None or found.high is None:
        return
    sure = "holds 0" if found.low <= 0 <= found.high else "does not hold 0"
    yield f"{found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f}, {sure})"


def _moved(row: Moves) -> str:
    moved = "none ranked by both" if row.moved_share is None else f"{row.moved_share:.1%}"
    mostly = ""
    if row.changes:
        mostly = f", mostly {row.changes[0].before} → {row.changes[0].after}"
    return (
        f"moved by 10 percentile points or more {moved}; changed class {row.changed_ha:,.0f} of "
        f"{row.hectares:,.0f} ha{mostly}."
    )


def _task_lines(what: str, tasks: Sequence[TaskMove]) -> Iterator[str]:
    hectares = sum(task.hectares for task in tasks)
    yield f"Tasks {what}: {len(tasks)}, {hectares:,.0f} ha{'; the first:' if tasks else '.'}"
    for task in tasks[:SHOWN]:
        yield (
            f"  {task.task}, rank {task.rank}, {task.hectares:,.0f} ha near "
            f"{task.latitude:.4f}, {task.longitude:.4f}; {task.covered:.0%} of it lies in tasks of "
            "the other run."
        )
