"""Runs the tests of the requirements, and takes protections out: ``make asvs``.

``python -m tests.pipelines.service.asvs.running --draw 20 --seed 5``
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from docs.build.security_page import Requirement, read_requirements
from tests.pipelines.service.asvs.mutations import MUTATIONS

ROOT = Path(__file__).parents[4]
FOLDERS = ("tests/pipelines/service", "tests/features/files")
PLUGIN = "tests.pipelines.service.asvs.taken_out"
REPORT = ROOT / "build" / "asvs" / "tests.xml"


def places_of_tests() -> dict[str, str]:
    """Return the file of each test by its name."""
    found: dict[str, str] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("test_*.py")):
            for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M):
                found.setdefault(name, path.relative_to(ROOT).as_posix())
    return found


def nodes_of(names: list[str], known: dict[str, str]) -> list[str]:
    """Return tests as pytest is told of them."""
    return [f"{known[name]}::{name}" for name in names]


def passing(names: list[str], known: dict[str, str]) -> set[str]:
    """Run tests, and return the names of those that pass, in all their cases.

    In a folder of their own: pytest removes those of other runs, of which it keeps three.
    """
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        f"--junitxml={REPORT}",
        *nodes_of(names, known),
    ]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*command, f"--basetemp={folder}/tests"], cwd=ROOT, check=False)
    failed, ran = set(), set()
    for case in ET.parse(REPORT).iter("testcase"):
        name = case.get("name", "").partition("[")[0]
        ran.add(name)
        if any(case.find(kind) is not None for kind in ("failure", "error", "skipped")):
            failed.add(name)
    return ran - failed


def is_noticed(each: Requirement, known: dict[str, str]) -> bool:
    """Tell whether a test of a requirement fails when its protection is taken out."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        PLUGIN,
        *nodes_of(list(each.tests), known),
    ]
    environment = {**os.environ, "MINERISK_TAKEN_OUT": each.number}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, check=False, text=True
    )
    if done.returncode not in {0, 1}:
        sys.stderr.write(done.stdout[-2_000:] + done.stderr[-2_000:])
    return done.returncode == 1


def main() -> int:
    """Run them, and print the share and what was noticed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--draw", type=int, default=20)
    options.add_argument("--seed", type=int, default=20)
    options.add_argument("--only-draw", action="store_true", help="run no tests before")
    given = options.parse_args()
    known, requirements = places_of_tests(), read_requirements()
    held = [each for each in requirements if each.state == "held"]
    subjects = [each for each in requirements if each.state != "no subject"]
    ok = True
    if not given.only_draw:
        names = sorted({name for each in held for name in each.tests})
        passed = passing(names, known)
        sound = [each for each in held if set(each.tests) <= passed]
        for each in held:
            if each not in sound:
                lacking = ", ".join(sorted(set(each.tests) - passed))
                sys.stdout.write(f"NOT HELD {each.number}: {lacking}\n")
        share = len(sound) / len(subjects)
        sys.stdout.write(f"{len(sound)} of {len(subjects)} requirements whose subject exists have "
                         f"passing tests: {share:.1%}\n")  # fmt: skip
        ok = share >= 0.95
    for each in requirements:
        if each.state != "held":
            sys.stdout.write(f"{each.state} {each.number}: {each.why}\n")
    draw = random.Random(given.seed).sample([e for e in held if e.number in MUTATIONS], given.draw)
    for each in draw:
        noticed = is_noticed(each, known)
        ok &= noticed
        said = "a test fails" if noticed else "NO TEST FAILS"
        sys.stdout.write(f"{each.number} taken out: {said}\n")
        sys.stdout.flush()
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
