"""The standard output of a command: what it prints, and nothing else."""

import os
import sys


def keep_output_own() -> None:
    """Keep what a compiled library prints by itself (HiGHS does) off standard output.

    From now on only Python writes to the standard output of this process, and processes that it
    starts write to none. That is for the process of a command, at its start, and for no other: a
    server or a notebook shares its output with code that is not ours.
    """
    if sys.__stdout__ is None:  # closed by whoever started the command
        return
    sys.stdout.flush()
    own, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    encoding, errors = sys.stdout.encoding, sys.stdout.errors
    sys.stdout = os.fdopen(own, "w", encoding=encoding, errors=errors)
