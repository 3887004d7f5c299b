"""What a comparison of two runs says, a line each."""

from minerisk.pipelines.records.cause import Cause, CauseCode


def cause_words(cause: Cause) -> str:
    """Word one thing that is not the same in both runs."""
    if cause.code is CauseCode.NOT_MADE:
        return "not made again"
    if cause.code is CauseCode.SETTINGS:
        return "its settings differ"
    if cause.code is CauseCode.LAYER:
        return f"{cause.name} has other bytes"
    what = {
        CauseCode.CODE: "code",
        CauseCode.PYTHON: "Python",
        CauseCode.MACHINE: "machine",
        CauseCode.LIBRARY: f"library {cause.name}",
    }[cause.code]
    return f"{what}: {cause.then or 'none'} then, {cause.now or 'none'} now"
