"""What the numbers promise, and whether they keep it: results of long tests, and their page.

``python -m docs.build.validity_page`` writes ``docs/validity.md`` and its pictures from the
JSON files that the tests marked `validity` left in ``docs/validity``; one test can be run alone.
With ``--targets docs/results.md`` it also puts those that a run is judged by into that page.
"""

import argparse
import io
import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from docs.build.records import with_table
from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import write_whole

log = logging.getLogger(__name__)

FOLDER = Path("docs/validity")
PAGE = Path("docs/validity.md")
KINDS = ("line", "points", "bar", "histogram")
COLOURS = ("#1b4965", "#ca6702", "#5f0f40", "#7f7f7f", "#8c6bb1", "#9b2226")
ASKED = (
    "calibration_with_few_finds",
    "choice",
    "like_land",
    "like_land_interval",
    "like_land_slope",
)
"""What is asked of a run, beside its numbers on real land."""
_NAME = re.compile(r"^[a-z0-9_]+$")


@dataclass(frozen=True)
class Result:
    """What one long test measured.

    Attributes
    ----------
    name
        Name of its file: small letters, digits and underscores.
    title
        Heading on the page.
    claim
        What is promised, in one sentence.
    protocol
        How it was measured: worlds, seeds, folds.
    target
        The number or range agreed before, such as ``">= 0.90 of 50 worlds"``.
    measured
        What came out: a number, or words with numbers.
    passed
        Whether the target was met.
    words
        What it means; where missed, by how much and what was tried.
    table
        Rows for the page, all with the same keys.
    figure
        None, or ``x`` (list), ``y`` (list, or a dict of name to list), ``xlabel``, ``ylabel``,
        ``kind`` (one of `KINDS`) and, if wanted, ``low`` and ``high`` (lists, an interval around
        ``y``), ``reference`` (``"diagonal"``, or a number for a level line) and ``title``.
    seconds
        How long it took, if known.
    """

    name: str
    title: str
    claim: str
    protocol: str
    target: str | float
    measured: str | float
    passed: bool
    words: str = ""
    table: Sequence[Mapping[str, Any]] = ()
    figure: Mapping[str, Any] | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise InputError(
                f"The result is called {self.name!r}; expected small letters, digits and "
                "underscores, since its file and figure are called so."
            )
        if self.figure is not None:
            missing = {"x", "y", "xlabel", "ylabel", "kind"} - set(self.figure)
            if missing or self.figure["kind"] not in KINDS:
                raise InputError(
                    f"The figure of {self.name} lacks {sorted(missing)} or its kind is not one of "
                    f"{KINDS}; it has {sorted(self.figure)}."
                )


def record(result: Result, folder: Path = FOLDER) -> Path:
    """Write a result as ``<folder>/<name>.json``.

    NumPy numbers become plain ones and NaN becomes null.
    """
    text = json.dumps(_plain(asdict(result)), indent=1, allow_nan=False)
    return write_whole(folder / f"{result.name}.json", text + "\n")


def read_results(folder: Path) -> list[Result]:
    """Read every result of a folder, in the order of their names.

    Raises
    ------
    InputError
        If a file is not a result.
    """
    results = []
    for path in sorted(folder.glob("*.json")):
        try:
            results.append(Result(**json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, TypeError) as error:
            raise InputError(
                f"{path} is not a result of a validity test ({error}). Write it with "
                "docs.build.validity_page.record, or delete it and run `make validity` again."
            ) from error
    return results


def failed_tests(path: Path) -> list[str]:
    """Name the tests that failed or broke off, from a JUnit file of pytest.

    Raises
    ------
    InputError
        If the file is missing or no such file: what ran is then not known.
    """
    try:
        suites = ElementTree.fromstring(path.read_bytes())
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(
            f"{path} does not say which tests ran ({error}). Run `make validity` again."
        ) from error
    return [
        f"{case.get('classname')}::{case.get('name')}"
        for case in suites.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]


def write_page(folder: Path = FOLDER, page: Path = PAGE, *, failed: Sequence[str] = ()) -> Path:
    """Write the page and its figures from the results in a folder.

    Figures of results that are gone are deleted. The same results give the same bytes. Tests named
    as failed head the page: what they should have measured is missing or does not hold.

    Raises
    ------
    InputError
        If there is no result.
    """
    results = read_results(folder)
    if not results:
        raise InputError(
            f"{folder} holds no results; expected JSON files of the validity tests. Run "
            "`make validity`."
        )
    figures = page.with_suffix("")
    wanted = {f"{result.name}.png": result for result in results if result.figure is not None}
    for old in figures.glob("*.png") if figures.is_dir() else ():
        if old.name not in wanted:
            old.unlink()
    for name, result in wanted.items():
        write_whole(figures / name, draw(result.figure or {}))
    return write_whole(page, page_text(results, figures=figures.name, failed=failed))


def page_text(
    results: Sequence[Result], *, figures: str = "validity", failed: Sequence[str] = ()
) -> str:
    """Give the page as Markdown: a summary, then one section a result, missed ones marked."""
    met = sum(result.passed for result in results)
    head = [
        "# What the numbers promise, and whether they keep it",
        "",
        "Made by `make validity` from what its tests measured; not edited by hand. Worlds here are "
        "SIMULATED unless a section says otherwise: they test software and methods and are "
        "evidence of nothing about real land.",
        "",
        *(
            [
                "**This page is not complete or not to be relied on.** Tests that failed or broke "
                f"off: {', '.join(f'`{name}`' for name in failed)}.",
                "",
            ]
            if failed
            else []
        ),
        f"{met} of {len(results)} targets are met"
        + (". Those missed:" if met < len(results) else "."),
        "",
    ]
    missed = [
        f"- [{result.title}](#{_anchor(result.title)}): wanted {_said(result.target)}, measured "
        f"{_said(result.measured)}."
        for result in results
        if not result.passed
    ]
    summary = summary_table(results)
    sections = [line for result in results for line in _section(result, figures)]
    return "\n".join([*head, *missed, *([""] if missed else []), *summary, "", *sections])


def summary_table(results: Sequence[Result], *, page: str = "") -> list[str]:
    """Return the lines of a table of results, each with a link to its section of a page."""
    return _markdown_table(
        [
            {
                "what": f"[{result.title}]({page}#{_anchor(result.title)})",
                "target": _said(result.target),
                "measured": _said(result.measured),
                "": "met" if result.passed else "**missed**",
            }
            for result in results
        ]
    )


def write_asked(results: Sequence[Result], target: Path, *, page: str = PAGE.name) -> Path:
    """Put the table of what is asked of a run between the marks of another page."""
    asked = [result for result in results if result.name in ASKED]
    table = "\n".join(summary_table(asked, page=page))
    return write_whole(target, with_table(target.read_text(encoding="utf-8"), table))


def _section(result: Result, figures: str) -> list[str]:
    verdict = "met" if result.passed else "**missed**"
    lines = [
        f"## {result.title}",
        "",
        result.claim,
        "",
        f"- Protocol: {result.protocol}",
        f"- Target: {_said(result.target)}",
        f"- Measured: {_said(result.measured)} ({verdict})",
        "",
    ]
    if result.words:
        lines += [result.words, ""]
    if result.table:
        lines += [*_markdown_table(result.table), ""]
    if result.figure is not None:
        lines += [f"![{result.title}]({figures}/{result.name}.png)", ""]
    return lines


def _markdown_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    body = [[_said(row.get(name)).replace("|", "\\|") for name in names] for row in rows]
    cells = [names, ["---"] * len(names), *body]
    return ["| " + " | ".join(row) + " |" for row in cells]


def _said(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
    if isinstance(value, (list, tuple)) and len(value) == 3:
        return f"{_said(value[0])} ({_said(value[1])} to {_said(value[2])})"
    if isinstance(value, (list, tuple)):
        return ", ".join(_said(item) for item in value)
    return " ".join(str(value).split())


def _anchor(title: str) -> str:
    """Name a heading as Markdown viewers do."""
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


def draw(figure: Mapping[str, Any]) -> bytes:
    """Draw a result's figure as PNG; the same numbers give the same bytes."""
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        sheet = Figure(figsize=(6.0, 3.8), dpi=110, layout="constrained")
        axes = sheet.subplots()
        y = figure["y"]
        lines = y if isinstance(y, Mapping) else {"": y}
        for number, (name, values) in enumerate(lines.items()):
            _draw_one(axes, figure, name, _numbers(values), (number, len(lines)))
        if "low" in figure and "high" in figure and not isinstance(y, Mapping):
            _draw_interval(axes, figure)
        _draw_reference(axes, figure.get("reference"))
        axes.set(xlabel=figure["xlabel"], ylabel=figure["ylabel"], title=figure.get("title", ""))
        if any(lines):
            axes.legend(frameon=False)
        stream = io.BytesIO()
        sheet.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _draw_one(
    axes: Axes,
    figure: Mapping[str, Any],
    name: str,
    y: NDArray[np.float64],
    place: tuple[int, int],
) -> None:
    number, count = place
    colour = COLOURS[number % len(COLOURS)]
    words = all(isinstance(value, str) for value in figure["x"])
    x = np.arange(len(figure["x"]), dtype=float) if words else _numbers(figure["x"])
    if figure["kind"] == "bar":
        step = 1.0 if words or len(x) < 2 else float(np.min(np.diff(np.sort(x))))
        width = 0.8 * step / count
        shift = (number - (count - 1) / 2) * width
        axes.bar(x + shift, y, width=width, color=colour, label=name)
    elif figure["kind"] == "histogram":
        axes.hist(y[np.isfinite(y)], bins=20, color=colour, alpha=0.7, label=name)
    elif figure["kind"] == "points":
        axes.plot(x, y, linestyle="", marker="o", markersize=4, color=colour, label=name)
    else:
        axes.plot(x, y, marker="o" if len(x) <= 25 else "", color=colour, label=name)
    if words:
        axes.set_xticks(x, figure["x"], rotation=20 if len(x) > 4 else 0)


def _draw_interval(axes: Axes, figure: Mapping[str, Any]) -> None:
    y, low, high = (_numbers(figure[name]) for name in ("y", "low", "high"))
    words = all(isinstance(value, str) for value in figure["x"])
    x = np.arange(len(y), dtype=float) if words else _numbers(figure["x"])
    reach = np.clip(np.vstack([y - low, high - y]), 0, None)
    axes.errorbar(x, y, yerr=reach, linestyle="", color="0.3", capsize=3, linewidth=1)


def _draw_reference(axes: Axes, reference: str | float | None) -> None:
    if reference == "diagonal":
        axes.axline((0, 0), slope=1, color="0.5", linestyle="--", linewidth=1)
    elif isinstance(reference, (int, float)):
        axes.axhline(float(reference), color="0.5", linestyle="--", linewidth=1)


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.asarray([np.nan if value is None else value for value in values], dtype=np.float64)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m docs.build.validity_page", description=__doc__)
    parser.add_argument("--results", type=Path, default=FOLDER, help="folder of JSON results")
    parser.add_argument("--page", type=Path, default=PAGE, help="Markdown file to write")
    parser.add_argument("--tests", type=Path, help="JUnit file of the tests that ran")
    parser.add_argument("--targets", type=Path, help="page that also lists what is asked of a run")
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    try:
        failed = failed_tests(given.tests) if given.tests else []
        log.info("Wrote %s", write_page(given.results, given.page, failed=failed))
        if given.targets:
            log.info("Wrote %s", write_asked(read_results(given.results), given.targets))
        if failed:
            parser.exit(1, f"{len(failed)} tests failed; the page says which.\n")
    except InputError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
