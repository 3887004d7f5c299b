"""On the standard output of a command is what it prints, and nothing else."""

import os
import subprocess
import sys

COMMAND = """
import ctypes
from minerisk.pipelines.run.progress import console
from minerisk.pipelines.run.own_process import keep_output_own
library = ctypes.CDLL(None)
keep_output_own()
library.puts(b"compiled")
library.fflush(None)
print("\u00e4 printed")
console().print("shown")
"""


def test_compiled_code_is_not_heard_on_the_output_of_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.stdout.decode() == "\u00e4 printed\nshown\n"
    assert done.stderr == b""
