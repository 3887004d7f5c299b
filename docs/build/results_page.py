"""Print the tables of docs/results.md anew, from a run of configs/bosnia.yaml.

    python -m docs.build.results_page RUN_FOLDER

What `minerisk evaluate run` prints of its two layers takes the place of the tables that are there.
The words around them are held to them by a test (`tests/docs/test_results_page.py`).
"""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "results.md"
TABLES = re.compile(r"^\| protocol \|.*?^\| accidents [^\n]*\n", re.MULTILINE | re.DOTALL)


def page_with(page: str, printed: str) -> str:
    """Return a page with the tables of each layer as a command printed them."""
    new, old = TABLES.findall(printed), TABLES.findall(page)
    if len(new) != len(old):
        raise SystemExit(
            f"The run has tables of {len(new)} layers; the page has those of {len(old)}."
        )
    return TABLES.sub(lambda _: new.pop(0), page)


def main() -> None:
    """Ask the command for the run that is named, and write the page."""
    command = [str(Path(sys.executable).parent / "minerisk"), "evaluate", "run", sys.argv[1]]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), printed), encoding="utf-8")


if __name__ == "__main__":
    main()
