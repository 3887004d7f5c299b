"""What a run says at the end agrees with its rasters."""

from pathlib import Path

import numpy as np

from minerisk.pipelines.formats.cog import read_raster
from minerisk.pipelines.formats.palette import CANNOT_SAY, OUTSIDE
from minerisk.pipelines.report.summary import closing_lines
from minerisk.pipelines.run.folder import Run


def test_the_share_it_cannot_speak_for_is_that_of_the_map(tiny_run: Path) -> None:
    classes, _ = read_raster(tiny_run / "rasters" / "risk_class.tif")
    share = np.mean(classes[classes != OUTSIDE] == CANNOT_SAY)
    lines = list(closing_lines(Run.open(tiny_run)))
    assert f"3. Cannot say: {100 * share:.1f} % of the study area." in lines
