"""What a run was made with: code, packages, machine."""

import importlib.metadata
import platform
import subprocess
from functools import cache
from pathlib import Path

from minerisk.features.additions import added_sources
from minerisk.pipelines.provenance.files import sha256_path, sha256_text
from minerisk.pipelines.records.comparison import Cause, CauseCode
from minerisk.pipelines.records.manifest import Environment

ROOMS = ("features", "models", "pipelines", "configs")


def environment_causes(one: Environment | None, two: Environment | None) -> list[Cause]:
    """List in what code, Python, machine and libraries two environments differ."""
    pairs = (
        (CauseCode.CODE, one and one.code_sha256, two and two.code_sha256),
        (CauseCode.PYTHON, one and one.python, two and two.python),
        (CauseCode.MACHINE, one and one.machine, two and two.machine),
    )
    causes = [Cause(code=code, then=then, now=now) for code, then, now in pairs if then != now]
    before, after = (known.packages if known else {} for known in (one, two))
    return causes + [
        Cause(code=CauseCode.LIBRARY, name=name, then=before.get(name), now=after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


@cache
def code_sha256() -> str:
    """Hash the source of the four rooms, and of packages that add something to them."""
    root = Path(__file__).resolve().parents[2]
    files = sorted(
        item
        for room in ROOMS
        for item in (root / room).rglob("*")
        if item.suffix in {".py", ".j2"} and item.is_file()
    )
    lines = [f"{item.relative_to(root).as_posix()} {sha256_path(item)}" for item in files]
    lines += [f"{item.parent.name}/{item.name} {sha256_path(item)}" for item in added_sources()]
    return sha256_text("\n".join(lines))


@cache
def environment() -> Environment:
    """Read what this program runs on: Python, machine and the version of every package."""
    packages = {
        dist.metadata["Name"].lower(): dist.version for dist in importlib.metadata.distributions()
    }
    lock = Path(__file__).resolve().parents[2] / "requirements.lock"
    commit, dirty = _code_state()
    return Environment(
        python=platform.python_version(),
        machine=platform.machine(),
        packages=dict(sorted(packages.items())),
        lock_sha256=sha256_path(lock) if lock.is_file() else None,
        code_sha256=code_sha256(),
        minerisk=importlib.metadata.version("minerisk"),
        code_commit=commit,
        code_dirty=dirty,
    )


def _code_state() -> tuple[str | None, bool | None]:
    """Read the git commit of the code, and whether it has changes that are in no commit.

    Both are None where the code lies in no git repository of its own.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None, None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changes = _git(root, "status", "--porcelain", "--", *ROOMS, "requirements.lock")
    except (OSError, subprocess.SubprocessError):
        return None, None
    return commit, bool(changes)


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *words], capture_output=True, text=True, timeout=20, check=True
    )
    return done.stdout.strip()
