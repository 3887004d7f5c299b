"""`minerisk evaluate area`: how good a run is on land like that of an area."""

from collections.abc import Iterator

import numpy as np

from minerisk.models.elsewhere.like_land import like_land
from minerisk.models.elsewhere.statement import LikeLand
from minerisk.pipelines.language.like_words import like_line
from minerisk.pipelines.language.marks import SIMULATED
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.predict.window import CubeWindow
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY
from minerisk.pipelines.train.like_unsurveyed import held_out_of, lines_known_of


def like_this(run: Run, window: CubeWindow, *, hazard: str | None = None) -> LikeLand:
    """State how good the map of a run is on land like that of a window.

    Parameters
    ----------
    run
        A trained run.
    window
        The land asked for.
    hazard
        Layer whose model is asked; none or `ANY` is any hazard.

    Returns
    -------
    LikeLand
        From cells that were held out with their regions and where as many lines are known.
    """
    held = held_out_of(run, None if hazard == ANY else hazard)
    counted = run.metrics().cells
    surveyed = (counted.positive + counted.negative) / max(len(np.unique(held.region)), 1)
    cover, count = lines_known_of(run.cube(), window.asked, row=window.row, column=window.column)
    size = count / max(surveyed, 1.0)
    return like_land(held, cover, as_large_as=size, seed=run.config.model.seed)


def like_lines(found: LikeLand, *, simulated: bool) -> Iterator[str]:
    """Write the statement for people."""
    if simulated:
        yield ENGLISH.say(SIMULATED)
    yield like_line(found)
