"""What a comparison of a run with the same run made again says, a line each."""

from collections.abc import Iterator

from minerisk.pipelines.audit.differences import TOLERANCE
from minerisk.pipelines.evaluate.comparison_lines import cause_words
from minerisk.pipelines.records.comparison import (
    LASTING,
    Cause,
    OutputDifference,
    Reproduction,
    Sameness,
)


def reproduction_lines(found: Reproduction) -> Iterator[str]:
    """Word a comparison; a cause that lasts is reported where it begins."""
    before: set[Cause] = set()
    for stage in found.stages:
        lasting = {cause for cause in before if cause.code in LASTING}
        for cause in stage.causes:
            if cause not in lasting:
                yield f"{stage.stage}: {cause_words(cause)}"
        before = set(stage.causes)
        for output in stage.outputs:
            yield f"{stage.stage}: {_output_words(output)}"
    yield from _verdict_lines(found)


def _output_words(output: OutputDifference) -> str:
    size = "" if output.largest is None else f" (largest: {output.largest:.3g})"
    return f"{output.name or 'all outputs'} {output.same}{size}"


def _verdict_lines(found: Reproduction) -> Iterator[str]:
    if found.verdict is Sameness.DIFFERS:
        yield f"The runs differ, first in stage {found.first_difference}."
        if found.first_cause:
            yield f"What they were made of differs first in stage {found.first_cause}."
    elif found.verdict is Sameness.CLOSE:
        yield f"The runs are the same within {TOLERANCE:g}, not to the byte."
    else:
        yield "The runs are the same, byte for byte."
