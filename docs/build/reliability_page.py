"""What was tried against minerisk, how often, and what was found: records and their page.

``python -m docs.build.reliability_page`` takes the records that long targets left in
``build/reliability`` into ``docs/reliability`` and writes the table of ``docs/reliability.md`` from
all that lie there. What stands outside the two marks on the page is written by hand and kept.

A target adds a line to the table by leaving one JSON file of its own, best through `record`::

    from docs.build.records import commit
    from docs.build.reliability_page import Trial, record

    record(
        "fuzz_rasters",
        Trial(
            what="Rasters with bytes changed at random: read as before, or refused in words",
            tried=5_500,
            found=["2 ended with a traceback: tags that are not UTF-8 (mended)"],
            seconds=310.0,
            commit=commit(),
            command="make fuzz",
            asked=10_000,
            outcomes={"read": 1_200, "refused": 4_300},
            seeds=[[0, 5_499]],
        ),
    )

`found` is a list of sentences, empty where nothing was found. The name of the file decides which
line it replaces and where it stands: lines are in the order of names. A target that was stopped
goes on after the last seed of its record (`last_seed`), and writes what it did together with what
the record has (`added`); where it did fewer than were asked for, the table says both.
"""

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from docs.build.records import read_records, with_table, write_record
from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import write_whole

NEW = Path("build/reliability")
KEPT = Path("docs/reliability")
PAGE = Path("docs/reliability.md")


@dataclass(frozen=True)
class Trial:
    """What was tried, and what was found.

    Attributes
    ----------
    what
        What was done to it and what is demanded, in a sentence.
    tried
        How often.
    found
        What was found, a sentence each; empty if nothing was.
    seconds
        How long it took.
    commit
        The code it was tried on.
    command
        What repeats it.
    asked
        How often the target wants it tried; 0 for as often as it was.
    outcomes
        What came of it, and how often.
    seeds
        First and last seed of each stretch that was tried.
    """

    what: str
    tried: int
    found: Sequence[str]
    seconds: float
    commit: str
    command: str
    asked: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    seeds: Sequence[Sequence[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if isinstance(self.found, str) or not all(isinstance(line, str) for line in self.found):
            raise InputError(f"`found` is {self.found!r}; expected a list of sentences.")
        if isinstance(self.tried, bool) or not isinstance(self.tried, int) or self.tried < 1:
            raise InputError(f"`tried` is {self.tried!r}; expected how often, 1 or more.")


def record(name: str, trial: Trial, folder: Path = NEW) -> Path:
    """Write what a target did; see `write_record`."""
    return write_record(name, trial, folder)


def recorded(name: str, folder: Path = NEW) -> Trial | None:
    """Read what a target has recorded so far; None if nothing."""
    path = folder / f"{name}.json"
    return Trial(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def last_seed(name: str, folder: Path = NEW) -> int:
    """Return the last seed that a target has tried; -1 if none."""
    before = recorded(name, folder)
    return max((last for _, last in before.seeds), default=-1) if before else -1


def added(before: Trial | None, now: Trial) -> Trial:
    """Return what two stretches of one target did together."""
    if before is None:
        return now
    commits = dict.fromkeys([*before.commit.split(", "), now.commit])
    stretches = [list(stretch) for stretch in before.seeds]
    for first, last in now.seeds:
        if stretches and stretches[-1][1] == first - 1:
            stretches[-1][1] = last
        else:
            stretches.append([first, last])
    return replace(
        now,
        tried=before.tried + now.tried,
        found=[*before.found, *now.found],
        seconds=before.seconds + now.seconds,
        commit=", ".join(commits),
        outcomes=dict(Counter(before.outcomes) + Counter(now.outcomes)),
        seeds=stretches,
    )


def read_trials(folder: Path) -> dict[str, Trial]:
    """Read the records of a folder; see `read_records`."""
    return read_records(folder, Trial, what="a trial")


def table(trials: Sequence[Trial]) -> str:
    """Give the table of the page as Markdown."""
    heads = ("what", "how often", "what came of it", "what was found", "took", "at", "repeat with")
    rows = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    for trial in trials:
        fewer = f" of {trial.asked:,} asked for" if trial.tried < trial.asked else ""
        cells = (
            trial.what,
            f"{trial.tried:,}{fewer}",
            ", ".join(f"{what}: {count:,}" for what, count in trial.outcomes.items()),
            "; ".join(trial.found) or "nothing",
            _duration(trial.seconds),
            ", ".join(f"`{commit}`" for commit in trial.commit.split(", ")),
            f"`{trial.command}`",
        )
        rows.append(
            "| " + " | ".join(" ".join(c.split()).replace("|", "\\|") for c in cells) + " |"
        )
    return "\n".join(rows)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def page_text(before: str, trials: Sequence[Trial]) -> str:
    """Put the table between the marks of a page; see `with_table`."""
    return with_table(before, table(trials))


def write_page(new: Path = NEW, kept: Path = KEPT, page: Path = PAGE) -> Path:
    """Take new records in, and write the table of the page anew."""
    for name, trial in read_trials(new).items():
        record(name, trial, kept)
    trials = list(read_trials(kept).values())
    return write_whole(page, page_text(page.read_text(encoding="utf-8"), trials))


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--records", type=Path, default=NEW, help="folder of new records")
    write_page(parser.parse_args().records)


if __name__ == "__main__":
    main()
