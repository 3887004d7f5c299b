"""Numbers in the words of docs/results.md and of the README are those of its tables."""

import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from docs.build.records import with_table
from docs.build.validity_page import ASKED, read_results, summary_table

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
FIRST, _, SECOND = PAGE.partition("## Ranked for what was found")
WORDS = " ".join(PAGE.partition("## How to read it")[2].split())
README = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
FOUND, FINDS, ACCIDENTS = (
    "found in the first 20 % of land",
    "finds (605 cells) in the first 20 % of land",
    "accidents (925 cells) in the first 20 % of land",
)
PAIRED = [
    (row, at) for at in ("far", "near") for row in ("finds (605 cells)", "accidents (925 cells)")
]
"""What the second layer is held against the rule by."""
RULE = "distance rule (nearest known line or position first)"


def rows(part: str) -> dict[tuple[str, ...], dict[str, tuple[float, ...]]]:
    """Read every table of a part: first cells of a row to the numbers under each heading."""
    found: dict[tuple[str, ...], dict[str, tuple[float, ...]]] = {}
    header: list[str] = []
    for line in part.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if not line.startswith("|"):
            header = []
        elif not header:
            header = cells
        elif set(line) - set("|- "):
            named = 2 if header[0] == "protocol" else 1
            numbers = [tuple(map(float, re.findall(r"-?\d+\.\d+", cell))) for cell in cells[named:]]
            found[tuple(cells[:named])] = dict(zip(header[named:], numbers, strict=True))
    return found


ALL, OF_FINDS = rows(FIRST), rows(SECOND.partition("## How to read it")[0])


def share(value: float) -> str:
    return f"{percent(value)} %"


def percent(value: float) -> str:
    """Round as people do: a half goes up."""
    return str((100 * Decimal(str(value))).quantize(Decimal(1), ROUND_HALF_UP))


def points(row: str) -> str:
    """Write a difference of the second layer on far land, as the words do."""
    middle, low, high = (f"{100 * value:.1f}".replace("-", "−") for value in OF_FINDS[row,]["far"])
    return f"{middle} points ({low} to {high})" if "finds" in row else f"{middle} ({low} to {high})"


def test_every_interval_holds_its_estimate() -> None:
    numbers = [
        value
        for part in (ALL, OF_FINDS)
        for row in part.values()
        for value in row.values()
        if value
    ]
    assert len(numbers) > 100
    for middle, low, high in numbers:
        assert low <= middle <= high


def test_the_rule_and_no_model_are_the_same_in_both_layers() -> None:
    for key in ALL:
        if key[-1] in (RULE, "no model: the same everywhere"):
            assert ALL[key] == OF_FINDS[key]


def test_shares_in_words_are_those_of_the_table() -> None:
    model, rule = ALL["far", "the model"][FOUND], ALL["far", RULE][FOUND]
    chance = ALL["random (optimistic reference)", "the model"][FOUND]
    told = f"holds {share(model[0])} of the positives, against {share(rule[0])} for"
    assert told in WORDS
    assert f"Random folds would have promised {share(chance[0])}" in WORDS
    low, high = map(percent, model[1:])
    assert f"holds {share(model[0])} of the positive cells ({low} to {high}), against " in README
    assert f"against {share(rule[0])} for" in README
    assert f"random folds would have promised {share(chance[0])}" in README


def test_what_is_said_of_the_forest_and_of_finds_is_in_the_table() -> None:
    forest, model = ALL["far", "random forest"], ALL["far", "the model"]
    finds, accidents = (f"{forest[name][0]:.2f} against {model[name][0]:.2f}" for name in
                        (FINDS, ACCIDENTS))  # fmt: skip
    assert f"({finds}, {accidents})" in WORDS
    assert points("finds (605 cells)").replace(" points", "") in WORDS.replace(" points", "")
    assert points("accidents (925 cells)") in WORDS


def test_what_is_called_better_beyond_the_interval_is() -> None:
    assert "better beyond the paired 90 % interval" in WORDS
    assert ALL["all positives",]["far"][1] > 0
    assert "finds no more than the rule does" in WORDS
    assert ALL["finds (605 cells)",]["far"][1] < 0
    assert ALL["accidents (925 cells)",]["far"][1] < 0


def targets() -> dict[str, list[str]]:
    """Read the table of targets: what was asked for, to the other cells of its row."""
    lines = PAGE.partition("## Targets")[2].partition("<!-- table")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return {row[0]: row[1:] for row in cells[2:]}


def test_targets_on_held_out_land_are_held_against_the_tables() -> None:
    found, model = targets(), ALL["far", "the model"]
    for name, column in (
        ("far: ROC-AUC", "ROC-AUC"),
        ("far: average precision", "average precision"),
        ("far: found in the first 20 % of land", FOUND),
    ):
        wanted, measured, verdict, _ = found[name]
        middle, low, high = model[column]
        assert measured == f"{middle:.3f} ({low:.3f} to {high:.3f})"
        short = Decimal(wanted) - Decimal(f"{middle:.3f}")
        assert verdict == ("met" if short <= 0 else f"missed by {short}")
    more = [ALL["all positives",]["far"], *(OF_FINDS[row,][at] for row, at in PAIRED)]
    told = [
        found["far: better than the plain rule in the first three, paired"],
        found["far: more lifted minefields in the first 20 % than by the plain rule, paired"],
        found["far: more accidents than by the plain rule, paired"],
        found["near: both"],
        found["near: both"],
    ]
    for (middle, low, high), (_, measured, verdict, _) in zip(more, told, strict=True):
        assert f"{middle:.3f} ({low:.3f} to {high:.3f})" in measured
        assert verdict.startswith("met" if low > 0 else f"missed by {-low:.3f}")


def test_what_is_missed_says_what_was_tried() -> None:
    rows = targets()
    assert len(rows) > 8
    assert all(tried for *_, verdict, tried in rows.values() if verdict.startswith("missed"))


def test_digitised_lines_are_those_of_their_page() -> None:
    page = (ROOT / "docs" / "digitise.md").read_text(encoding="utf-8")
    sheets = [line for line in page.splitlines() if "| reported |" in line]
    assert len(sheets) == 4
    numbers = [
        re.findall(r"(\d+) m, (\d+) m, ([\d.]+) %", line.split(" km | ")[1]) for line in sheets
    ]
    middle, most, share = zip(*(way for sheet in numbers for way in sheet), strict=True)
    assert len(middle) == 8
    assert targets()["digitised lines against tracings, both ways"][1] == (
        f"{min(map(int, middle))} to {max(map(int, middle))} m, {min(map(int, most))} to "
        f"{max(map(int, most))} m, {min(map(float, share))} to {max(map(float, share))} % on four "
        "sheets"
    )


def test_what_is_asked_of_a_run_on_made_up_worlds_is_as_recorded() -> None:
    results = read_results(ROOT / "docs" / "validity")
    asked = [result for result in results if result.name in ASKED]
    assert len(asked) == len(ASKED)
    table = "\n".join(summary_table(asked, page="validity.md"))
    assert with_table(PAGE, table) == PAGE, (
        "run python -m docs.build.validity_page --targets docs/results.md"
    )
