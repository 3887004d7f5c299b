"""How much memory processes held, as the kernel counts it."""

from contextlib import suppress
from pathlib import Path


def family(pid: int) -> list[int]:
    """List a process and all that descend from it."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            for task in (Path("/proc") / str(one) / "task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def most_held_mb(pid: int) -> float:
    """Read the most memory that a process ever held, in MiB; 0 where it has ended.

    Not `ru_maxrss`, which begins with the peak of whatever process started this one.
    """
    with suppress(OSError):
        for line in (Path("/proc") / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0
