"""Commands done in this process, with the exit code and the words that a process would have."""

import io
import subprocess
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from minerisk.pipelines.cli.main import do

WIDE = "200"
"""Letters in a line of what is said."""


def done_here(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Do a command as `minerisk` does, without a process, which has to import all it needs anew."""
    line, out, said = [*map(str, words)], io.StringIO(), io.StringIO()
    with chdir(cwd), pytest.MonkeyPatch.context() as environment:
        environment.setenv("COLUMNS", WIDE)
        with redirect_stdout(out), redirect_stderr(said), pytest.raises(SystemExit) as ended:
            do(line)
    code = int(ended.value.code or 0)
    return subprocess.CompletedProcess(line, code, out.getvalue(), said.getvalue())
