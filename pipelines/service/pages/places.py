"""What is known of one place beside its cell: the nearest evidence, and the survey tasks there."""

from pathlib import Path

import geopandas as gpd
import shapely

from minerisk.features.errors import MineriskError
from minerisk.features.layers.vectors import read_frame
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.prioritize.reasons import nearest_evidence
from minerisk.pipelines.prioritize.words import nearest_words
from minerisk.pipelines.run.folder import Run


def evidence_words(run: Run, easting: float, northing: float, texts: Texts) -> str | None:
    """Say which evidence is nearest; None where its layers are not at hand."""
    here = gpd.GeoDataFrame(
        geometry=[shapely.Point(easting, northing)], crs=run.config.study_area.crs
    )
    try:
        found = nearest_evidence(here, run.config, run.layers())
    except (MineriskError, OSError):
        return None
    return nearest_words(found[0], texts) if found else None


def tasks_at(path: Path, easting: float, northing: float) -> list[str]:
    """Name the survey tasks that hold a place."""
    if not path.is_file():
        return []
    frame = read_frame(path, layer="tasks")
    return [str(name) for name in frame[frame.covers(shapely.Point(easting, northing))]["task"]]
