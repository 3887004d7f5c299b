"""Write the part of ``docs/security.md`` about OWASP ASVS from its table of requirements.

``python -m docs.build.security_page``
"""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from docs.build.records import with_table
from minerisk.pipelines.provenance.files import write_whole

TABLE = Path("tests/pipelines/service/asvs/requirements.csv")
PAGE = Path("docs/security.md")


@dataclass(frozen=True)
class Requirement:
    """A requirement, in our own words.

    Attributes
    ----------
    state
        ``held`` by `tests`, ``no subject`` here, or ``open``; `why` tells of the last two.
    """

    number: str
    level: int
    words: str
    state: str
    tests: tuple[str, ...]
    why: str


def read_requirements(path: Path = TABLE) -> list[Requirement]:
    """Read the table."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            Requirement(
                row["number"],
                int(row["level"]),
                row["requirement"],
                row["state"],
                tuple(row["tests"].split()),
                row["why"],
            )
            for row in csv.DictReader(stream)
        ]


def share_held(requirements: Sequence[Requirement]) -> float:
    """Return the share of requirements with a test, of those whose subject exists."""
    counted = Counter(each.state for each in requirements)
    return counted["held"] / (counted["held"] + counted["open"])


def table_of(requirements: Sequence[Requirement]) -> str:
    """Return the part of the page: counts, what is open, and what does not exist here."""
    counted = Counter(each.state for each in requirements)
    subjects = counted["held"] + counted["open"]
    share = share_held(requirements)
    lines = [
        f"{counted['held']} of the {subjects} requirements whose subject exists here are held by "
        f"tests ({share:.1%}). Open are:",
        "",
        "| number | what is asked | how it stands |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {e.number} | {e.words} | {e.why} |" for e in requirements if e.state == "open"]
    lines += ["", f"The subjects of {counted['no subject']} do not exist here:", ""]
    reasons: dict[str, list[str]] = {}
    for each in requirements:
        if each.state == "no subject":
            reasons.setdefault(each.why, []).append(each.number)
    lines += ["| reason | numbers |", "| --- | --- |"]
    lines += [f"| {why} | {', '.join(numbers)} |" for why, numbers in reasons.items()]
    return "\n".join(lines)


def main() -> None:
    """Write the page."""
    text = PAGE.read_text(encoding="utf-8")
    write_whole(PAGE, with_table(text, table_of(read_requirements())).encode())


if __name__ == "__main__":
    main()
