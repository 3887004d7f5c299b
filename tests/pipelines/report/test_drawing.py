"""Pictures of a report are the same bytes drawn here and by processes apart."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, sys
from pathlib import Path
os.cpu_count = lambda: int(sys.argv[3])
from minerisk.pipelines.run.own_process import set_up_process
if __name__ == "__main__":
    set_up_process()
    from minerisk.pipelines.steps import prepare_late_steps
    from minerisk.pipelines.report.report import report_of_run
    from minerisk.pipelines.run.folder import Run
    prepare_late_steps()
    page = report_of_run(Run.open(Path(sys.argv[1])), sys.argv[2])
    print("matplotlib" in sys.modules, page)
"""


def test_a_report_is_the_same_drawn_in_processes_apart(tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "draw.py").write_text(PROGRAM)
    drawn = {}
    for cores in ("1", "2"):
        done = subprocess.run(
            [sys.executable, str(tmp_path / "draw.py"), str(tiny_run), "az", cores],
            capture_output=True, text=True, env=dict(os.environ),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        here, page = done.stdout.split(maxsplit=1)
        assert here == str(cores == "1")
        drawn[cores] = Path(page.strip()).read_bytes()
        Path(page.strip()).unlink()
    assert drawn["1"] == drawn["2"]
