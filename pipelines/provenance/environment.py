"""What a run was made with: code, packages, machine."""

import importlib.metadata
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from minerisk.pipelines.provenance.files import sha256_path, sha256_text

NOW = " now"


def environment_of(manifest: Mapping[str, Any], stage: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give what a stage was done with; empty where it is not on record."""
    environments = manifest.get("environments")
    found = environments.get(stage.get("environment")) if isinstance(environments, dict) else None
    return found if isinstance(found, dict) else {}


def environment_causes(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    """Say in what code, Python, machine and libraries two environments differ, a line each."""
    causes = [
        f"{words}: {one.get(name)} then, {two.get(name)}{NOW}"
        for name, words in (("code_sha256", "code"), ("python", "Python"), ("machine", "machine"))
        if one.get(name) != two.get(name)
    ]
    before, now = (dict(known.get("packages") or {}) for known in (one, two))
    return causes + [
        f"library {name}: {before.get(name, 'none')} then, {now.get(name, 'none')}{NOW}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


ROOMS = ("features", "models", "pipelines", "configs")


@cache
def code_sha256() -> str:
    """Hash the source of the four packages."""
    root = Path(__file__).resolve().parents[2]
    files = sorted(
        item
        for room in ROOMS
        for item in (root / room).rglob("*")
        if item.suffix in {".py", ".j2"} and item.is_file()
    )
    return sha256_text(
        "\n".join(f"{item.relative_to(root).as_posix()} {sha256_path(item)}" for item in files)
    )


@cache
def environment() -> dict[str, Any]:
    """Say what the run ran on: Python, machine and the version of every installed package."""
    packages = {
        dist.metadata["Name"].lower(): dist.version for dist in importlib.metadata.distributions()
    }
    lock = Path(__file__).resolve().parents[2] / "requirements.lock"
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": dict(sorted(packages.items())),
        "lock_sha256": sha256_path(lock) if lock.is_file() else None,
        "code_sha256": code_sha256(),
        "minerisk": importlib.metadata.version("minerisk"),
        **code_state(),
    }


def code_state() -> dict[str, Any]:
    """Say at which git commit the code is, and whether it has changes that are in no commit.

    Both are None where the code lies in no git repository of its own.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return {"code_commit": None, "code_dirty": None}
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changes = _git(root, "status", "--porcelain", "--", *ROOMS, "requirements.lock")
    except (OSError, subprocess.SubprocessError):
        return {"code_commit": None, "code_dirty": None}
    return {"code_commit": commit, "code_dirty": bool(changes)}


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *words], capture_output=True, text=True, timeout=20, check=True
    )
    return done.stdout.strip()
