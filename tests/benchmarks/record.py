"""Costs of commands with all processes that they start, and records of them for the page.

A benchmark prints its ratios, and leaves them by `record` in ``build/performance``;
``python -m docs.build.performance_page`` makes table and chart of ``docs/performance.md`` of them.
"""

import ctypes
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from docs.build.performance_page import NEW, Timing
from docs.build.records import commit, write_record

_SUBREAPER = 36
"""Of prctl: processes that have lost their parent become children of this one."""


class Cost(NamedTuple):
    """What a command took: seconds of the processor, of all its processes, and by the clock."""

    processor_s: float
    wall_s: float


def cost_of(
    command: Sequence[str], *, code: int = 0, environment: Mapping[str, str] | None = None
) -> Cost:
    """Run a command until the last of the processes that it started has ended.

    Parameters
    ----------
    code
        The exit code that is expected.
    environment
        Its environment; none is that of this process.
    """
    with counted() as cost:
        # Not from the folder of this process: Python would import from there first.
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/")
    if done.returncode != code:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr}")
    return cost()


@contextmanager
def counted() -> Iterator[Callable[[], Cost]]:
    """Count what is done in the block by processes, until the last that they started has ended."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    found: list[Cost] = []
    yield lambda: found[0]
    wall = time.perf_counter() - begun
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    found.append(Cost(used, wall))


def record(
    name: str,
    what: str,
    ours: Sequence[float],
    peers: Mapping[str, Sequence[float]] | None = None,
    *,
    unit: str = "processor s",
    at_most: float | None = None,
    times: float | None = None,
    command: str = "make bench",
) -> None:
    """Leave a cost for the page, and print it with its ratios; see `Timing`."""
    timing = Timing(
        what=what,
        unit=unit,
        ours=list(ours),
        peers={peer: list(costs) for peer, costs in (peers or {}).items()},
        at_most=at_most,
        times=times,
        machine=machine(),
        commit=commit(),
        command=command,
    )
    write_record(name, timing, NEW)
    costs = ", ".join(f"{cost:.3g}" for cost in ours)
    ratios = [
        f"{peer} {min(found):.2f} to {max(found):.2f} times as much"
        for peer in timing.peers
        for found in (timing.ratios(peer),)
    ]
    sys.stdout.write(f"\n{what}: {costs} {unit}; {'; '.join(ratios) or 'no peer'}\n")


def machine() -> str:
    """Name the processor, how many cores there are, and how many programs wait for them."""
    named = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    return f"{named[0] if named else 'unknown'}, {cores} cores, {load:.0f} programs at work"
