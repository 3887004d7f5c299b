"""How fast minerisk is, against its limits and its peers: records, their table and their chart.

``python -m docs.build.performance_page`` takes the records that benchmarks left in
``build/performance`` into ``docs/performance`` and makes of all that lie there the table in
``docs/performance.md``, between its two marks, and the chart ``docs/performance/chart.png``.

A benchmark adds a line by ``tests.benchmarks.record.record``. The name of its record decides which
line it replaces and where it stands: lines are in the order of names.
"""

import argparse
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from docs.build.records import read_records, with_table, write_record
from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import write_whole

NEW = Path("build/performance")
KEPT = Path("docs/performance")
PAGE = Path("docs/performance.md")
CHART = "chart.png"
OURS, PEER, LIMIT = "#0b5394", "#b7b7b7", "#c00000"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What something cost, and its peers by turns in the same run.

    Attributes
    ----------
    what
        What was done.
    unit
        Of every cost: ``processor s``, ``s``, ``µs a cell``, ``GB``.
    ours
        Cost of each round.
    peers
        Name of a peer to its cost in each round, by turns with ours. What does the same another
        way, or the same with one worker.
    at_most
        Limit of our cost; none if there is none.
    times
        Limit of how many times less than each peer it is; none if there is none.
    machine, commit, command
        Where, on which code, and what repeats it.
    """

    what: str
    unit: str
    ours: Sequence[float]
    peers: Mapping[str, Sequence[float]] = field(default_factory=dict)
    at_most: float | None = None
    times: float | None = None
    machine: str
    commit: str
    command: str

    def __post_init__(self) -> None:
        for name, costs in {"ours": self.ours, **self.peers}.items():
            if len(costs) != len(self.ours) or not costs or min(costs) <= 0:
                raise InputError(
                    f"{name} costs {list(costs)}; expected a number above 0 for each of "
                    f"{len(self.ours)} rounds, one at least."
                )

    def ratios(self, peer: str) -> list[float]:
        """Return how many times less ours is than a peer, round by round."""
        return [their / our for our, their in zip(self.ours, self.peers[peer], strict=True)]


def read_timings(folder: Path) -> dict[str, Timing]:
    """Read the records of a folder; see `read_records`."""
    return read_records(folder, Timing, what="a cost")


def table(timings: Sequence[Timing]) -> str:
    """Give the table of the page as Markdown."""
    heads = ("what", "minerisk", "peer", "times less", "limit", "distance to the limit")
    rows = [f"| {' | '.join((*heads, 'machine and code', 'repeat with'))} |", "| --- " * 8 + "|"]
    for timing in timings:
        at = (f"{timing.machine}, `{timing.commit}`", f"`{timing.command}`")
        own, limit, left = _cost(timing.ours, timing.unit), *_limit(timing)
        pairs = [
            (f"{name}: {_cost(costs, timing.unit)}", _spread(timing.ratios(name)))
            for name, costs in timing.peers.items()
        ]
        for peer, ratio in pairs or [("", "")]:
            cells = (timing.what, own, peer, ratio, limit, left, *at)
            rows.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join(rows)


def _limit(timing: Timing) -> tuple[str, str]:
    """Say what the limits are, and how far the medians are from them."""
    limits, left = [], []
    if timing.at_most is not None:
        share = median(timing.ours) / timing.at_most - 1
        limits.append(f"at most {timing.at_most:g} {timing.unit}")
        left.append(_distance(share, met=share <= 0))
    if timing.times is not None:
        for name in timing.peers:
            share = median(timing.ratios(name)) / timing.times - 1
            left.append(_distance(share, met=share >= 0))
        limits.append(f"{timing.times:g} times less")
    return "; ".join(limits), "; ".join(left)


def _distance(share: float, *, met: bool) -> str:
    return f"met, by {abs(share):.0%}" if met else f"**missed by {abs(share):.0%}**"


def _cost(costs: Sequence[float], unit: str) -> str:
    return f"{_spread(costs)} {unit}"


def _spread(values: Sequence[float]) -> str:
    """Write the median, and the least and the most of several rounds."""
    middle = f"{median(values):.3g}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.3g}–{max(values):.3g})"


def chart_png(timings: Sequence[Timing]) -> bytes:
    """Draw what each peer and each limit is, as multiples of our cost, on a scale of doublings."""
    bars = [
        (timing, name, timing.ratios(name) if name else [])
        for timing in timings
        for name in (*timing.peers, *([] if timing.peers else [""]))
    ]
    figure = Figure(figsize=(9, 0.9 + 0.52 * max(1, len(bars))), layout="constrained")
    axes = figure.add_subplot()
    for row, (timing, peer, ratios) in enumerate(bars):
        own = median(timing.ours)
        spread = [[1 - min(timing.ours) / own], [max(timing.ours) / own - 1]]
        axes.barh(row - 0.19, 1, 0.34, color=OURS, xerr=spread)
        if ratios:
            middle = median(ratios)
            spread = [[middle - min(ratios)], [max(ratios) - middle]]
            axes.barh(row + 0.19, middle, 0.34, color=PEER, xerr=spread)
            axes.annotate(f" {peer}, {middle:.3g} times", (max(ratios), row + 0.19), va="center")
        for limit in _limits_as_multiples(timing):
            axes.plot([limit, limit], [row - 0.42, row + 0.42], color=LIMIT, lw=2)
    axes.set_yticks(range(len(bars)), [_label(timing) for timing, _, _ in bars])
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    most = max([1.0, *(max(ratios, default=1.0) for _, _, ratios in bars)])
    axes.set_xlim(0.25, most * 24)
    axes.invert_yaxis()
    axes.set_xlabel("multiples of what minerisk takes (blue); red: the limit; grey: a peer")
    axes.spines[["top", "right"]].set_visible(False)
    drawn = io.BytesIO()
    FigureCanvasAgg(figure).print_png(drawn, metadata={"Software": None})
    return drawn.getvalue()


def _limits_as_multiples(timing: Timing) -> list[float]:
    own = [] if timing.at_most is None else [timing.at_most / median(timing.ours)]
    return own + ([] if timing.times is None else [timing.times])


def _label(timing: Timing) -> str:
    words = timing.what if len(timing.what) <= 46 else timing.what[:45].rsplit(" ", 1)[0] + " …"
    return f"{words}\n{_cost(timing.ours, timing.unit)}"


def page_text(before: str, timings: Sequence[Timing]) -> str:
    """Put the table between the marks of a page; see `with_table`."""
    return with_table(before, table(timings))


def write_page(new: Path = NEW, kept: Path = KEPT, page: Path = PAGE) -> Path:
    """Take new records in, and make table and chart anew."""
    for name, timing in read_timings(new).items():
        write_record(name, timing, kept)
    timings = list(read_timings(kept).values())
    write_whole(kept / CHART, chart_png(timings))
    return write_whole(page, page_text(page.read_text(encoding="utf-8"), timings))


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--records", type=Path, default=NEW, help="folder of new records")
    write_page(parser.parse_args().records)


if __name__ == "__main__":
    main()
