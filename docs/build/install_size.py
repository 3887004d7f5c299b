"""How large a plain install is, package by package, and what of it a request and an audit import.

``python -m docs.build.install_size RUN`` makes a new environment with the versions of the lock,
asks the finished run RUN for its land and audits it there, and prints the table of
``docs/install.md``. It needs a network, two minutes and 1.5 GB.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
MB = 1_000_000
LEAST_MB = 15
"""Smaller packages are summed up in one row."""
SIZES = """
import json
from importlib.metadata import distributions
found = {}
for dist in distributions():
    files = {file.locate().resolve() for file in dist.files or ()}
    cached = {one for file in files for one in file.parent.glob(f"__pycache__/{file.stem}.*.pyc")}
    code = {one for one in files if one.is_file() and one.suffix != ".pyc"}
    found[dist.metadata["Name"].lower()] = [
        sum(one.stat().st_size for one in part) for part in (code, cached)]
print(json.dumps(found))
"""
IMPORTED = """
import atexit, json, sys
from importlib.metadata import packages_distributions
def tell():
    tops = {name.partition(".")[0] for name, module in sys.modules.items() if module}
    known = packages_distributions()
    names = sorted({dist.lower() for top in tops for dist in known.get(top, ())})
    print(json.dumps(names), file=sys.stderr)
atexit.register(tell)
from minerisk.pipelines.cli.main import main
if __name__ == "__main__":
    main()
"""


class Size(NamedTuple):
    """Bytes of a package: its files, and the bytecode that Python keeps of them."""

    files: int
    bytecode: int


def plain_environment(folder: Path) -> Path:
    """Make an environment with minerisk and what it needs, in the versions of the lock."""
    lock, python = folder / "plain.lock", folder / "env" / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    asked = ["--constraints", "requirements.lock", "--output-file", str(lock), "--quiet"]
    subprocess.run([*uv, "pip", "compile", "pyproject.toml", *asked], cwd=ROOT, check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    install = [*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    build = "import sys; from hatchling.build import build_wheel as b; print(b(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, folder], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*install, "--requirements", str(lock)], check=True)
    subprocess.run([*install, "--no-deps", str(wheel)], check=True)
    return python


def sizes(python: Path) -> dict[str, Size]:
    """Measure every package of an environment."""
    done = subprocess.run([python, "-c", SIZES], capture_output=True, text=True, check=True)
    return {name: Size(*parts) for name, parts in json.loads(done.stdout).items()}


def imported(python: Path, folder: Path, *words: str) -> set[str]:
    """Do a command, and list the packages of which its first process imported something."""
    script = folder / "told.py"
    script.write_text(IMPORTED, encoding="utf-8")
    done = subprocess.run(
        [python, script, *words], capture_output=True, text=True, check=True, cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    return set(json.loads(done.stderr.splitlines()[-1]))


def table(found: Mapping[str, Size], request: set[str], audit: set[str]) -> str:
    """Write the table of packages, the largest first."""
    rows = ["| package | MB | of it bytecode | a request imports it | an audit imports it |",
            "| --- | --- | --- | --- | --- |"]  # fmt: skip
    order = sorted(found, key=lambda name: -sum(found[name]))
    large = [name for name in order if sum(found[name]) >= LEAST_MB * MB]
    for name in large:
        told = ["yes" if name in names else "no" for names in (request, audit)]
        rows.append(f"| {name} | {_mb(found, [name])} | {told[0]} | {told[1]} |")
    small = [name for name in order if name not in large]
    rows.append(f"| {len(small)} others | {_mb(found, small)} | {len(request & set(small))} of "
                f"them | {len(audit & set(small))} of them |")  # fmt: skip
    needed = [name for name in order if name in request | audit]
    rows.append(f"| **all {len(order)}** | {_mb(found, order)} | {len(request)} | {len(audit)} |")
    rows.append(f"| those that either imports | {_mb(found, needed)} | | |")
    return "\n".join(rows)


def _mb(found: Mapping[str, Size], names: list[str]) -> str:
    whole = sum(sum(found[name]) for name in names) / MB
    return f"{whole:,.0f} | {sum(found[name].bytecode for name in names) / MB:,.0f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    run = str(parser.parse_args().run.resolve())
    with TemporaryDirectory() as place:
        folder = Path(place)
        python = plain_environment(folder)
        request = imported(python, folder, "request", run, "--out", str(folder / "pack"))
        audit = imported(python, folder, "audit", "verify", run, "--without-layers")
        print(table(sizes(python), request, audit))  # noqa: T201


if __name__ == "__main__":
    main()
