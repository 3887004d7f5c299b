"""Which points of a map that cannot be misread hold of the demo and of Bosnia, and since when.

``python -m docs.build.areas_page TESTS.xml`` takes what ``make areas`` found, a JUnit file of
pytest, into ``docs/areas`` and writes the table of ``docs/looked-at.md`` from what lies there. An
area that was left out keeps what is known of it.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from docs.build.records import commit, read_records, with_table, write_record
from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import write_whole
from tests.areas.points import POINTS

KEPT, PAGE = Path("docs/areas"), Path("docs/looked-at.md")
AREAS: Mapping[str, str] = {"demo": "demo", "bosnia": "Bosnia"}
_CASE = re.compile(r"test_the_point_holds_of_the_area\[(?:(\d+)-(\w+)|(\w+)-(\d+))\]")


@dataclass(frozen=True)
class Held:
    """What was found of an area.

    Attributes
    ----------
    day, commit
        When its tests were run, and on which code.
    seconds
        How long they took, without the run of the area.
    held, missed
        Points.
    """

    day: str
    commit: str
    seconds: float
    held: Sequence[int]
    missed: Sequence[int]


def read_tests(path: Path, *, at: str) -> dict[str, Held]:
    """Read what was found of each area; one whose tests were skipped is not in it.

    Raises
    ------
    InputError
        If the file is missing or no such file.
    """
    try:
        root = ElementTree.fromstring(path.read_bytes())
        day = next(root.iter("testsuite")).get("timestamp", "")[:10]
    except (OSError, ElementTree.ParseError, StopIteration) as error:
        raise InputError(
            f"{path} does not say which tests ran ({error}). Run `make areas` again."
        ) from error
    held = dict[str, dict[int, bool]]()
    seconds = dict.fromkeys(AREAS, 0.0)
    for case in root.iter("testcase"):
        named = _CASE.search(case.get("name", ""))
        if named is None or case.find("skipped") is not None:
            continue
        point, area = int(named[1] or named[4]), named[2] or named[3]
        held.setdefault(area, {})[point] = all(
            case.find(found) is None for found in ("failure", "error")
        )
        seconds[area] += float(case.get("time", 0))
    return {
        area: Held(
            day,
            at,
            round(seconds[area], 1),
            sorted(point for point, holds in found.items() if holds),
            sorted(point for point, holds in found.items() if not holds),
        )
        for area, found in held.items()
    }


def table(found: Mapping[str, Held]) -> str:
    """Write a row a point: what it is, its test, and of which areas it holds."""
    lines = [
        f"| | point | test | {' | '.join(AREAS.values())} |",
        f"| --- | --- | --- |{' --- |' * len(AREAS)}",
    ]
    for point, (words, check) in POINTS.items():
        told = [_verdict(found.get(area), point) for area in AREAS]
        lines.append(f"| {point} | {words} | `{check.__name__}` | {' | '.join(told)} |")
    for area, name in AREAS.items():
        known = found.get(area)
        said = "not run yet" if known is None else (
            f"{len(known.held)} of {len(known.held) + len(known.missed)} hold, last run on "
            f"{known.day} at `{known.commit}`, {known.seconds / 60:.0f} min"
        )  # fmt: skip
        lines += ["", f"{name[0].upper()}{name[1:]}: {said}."]
    return "\n".join(lines)


def _verdict(known: Held | None, point: int) -> str:
    if known is None or point not in {*known.held, *known.missed}:
        return "not run"
    return "holds" if point in known.held else "**missed**"


def main() -> None:
    """Take what was found into the records, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tests", type=Path)
    given = parser.parse_args()
    try:
        for area, known in read_tests(given.tests, at=commit()).items():
            write_record(area, known, KEPT)
        kept = read_records(KEPT, Held, what="an area")
        page = with_table(PAGE.read_text(encoding="utf-8"), table(kept))
    except InputError as error:
        parser.exit(2, f"{error}\n")
    write_whole(PAGE, page)


if __name__ == "__main__":
    main()
