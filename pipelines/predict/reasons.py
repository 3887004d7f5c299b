"""The raster of reasons: which families of features move each cell's score most."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.models.attribution import PAST_FINDINGS, attribute_to_families, top_families
from minerisk.models.risk_model import RiskModel
from minerisk.pipelines.formats.cog import RasterWriter, raster_files
from minerisk.pipelines.formats.palette import OUTSIDE, Legend
from minerisk.pipelines.language.marks import Marks

REASON_BANDS = ("reason_1", "reason_2", "reason_3")
ORDER = ("strongest", "second", "third")
HUES = (
    *("#3b0050", "#08519c", "#c51b8a", "#525252", "#7a5195", "#3182bd", "#dd3497", "#8c6d31"),
    *("#807dba", "#6baed6", "#ae017e", "#969696"),
)
LIGHTER = 0.55


def reason_names(families: Sequence[str]) -> list[str]:
    """Order the families by their codes, past findings last."""
    return [*families, PAST_FINDINGS]


def reason_bands(
    model: RiskModel, columns: pd.DataFrame, families: Mapping[str, Sequence[str]]
) -> dict[str, NDArray[np.float32]]:
    """Find the codes of the three families that move each cell's score most, strongest first.

    Parameters as for `minerisk.models.attribution.attribute_to_families`.

    Code: twice the place of the family in `reason_names`, and 1 more where it lowers the score;
    NaN where no further family adds anything.
    """
    count = len(REASON_BANDS)
    used, values = attribute_to_families(model, columns, families, strongest=count)
    names = reason_names(list(families))
    spread = np.zeros((len(columns), len(names)), dtype=np.float32)
    spread[:, [names.index(name) for name in used]] = values
    codes = top_families(spread, count).astype(np.float32)
    codes[codes == OUTSIDE] = np.nan
    return {name: codes[:, place] for place, name in enumerate(REASON_BANDS)}


def reason_codes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Turn codes among floats, NaN where there is none, into bytes with 255 for none."""
    return np.where(np.isnan(values), OUTSIDE, values).astype(np.uint8)


def reason_legend(families: Sequence[str]) -> Legend:
    """Name and colour each code."""
    words = {
        2 * place + lowers: f"{name.replace('_', ' ')} {verb} the score"
        for place, name in enumerate(reason_names(families))
        for lowers, verb in enumerate(("raises", "lowers"))
    }
    return Legend({code: _colour(code) for code in words}, words)


def write_reason_raster(
    path: Path,
    geobox: GeoBox,
    blocks: Iterable[tuple[int, NDArray[np.uint8]]],
    families: Sequence[str],
    tags: Mapping[str, str],
    *,
    marks: Marks,
    scratch: Path | None = None,
) -> list[Path]:
    """Write ``reasons.tif``: three uint8 bands of codes, their words in the tags, 255 nodata.

    Parameters
    ----------
    blocks
        First row of a block of rows, and its codes, shape ``(3, rows, width)``.
    families
        Names, in the order of the cube.
    marks, scratch
        As for `minerisk.pipelines.formats.cog.RasterWriter`.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    legend = reason_legend(families)
    with RasterWriter(
        path,
        geobox,
        description=[f"{order} reason: code of a family of features" for order in ORDER],
        style=legend,
        unit="class",
        tags={**tags, **{f"REASON_{code}": words for code, words in legend.words.items()}},
        marks=marks,
        scratch=scratch,
    ) as raster:
        for row, codes in blocks:
            raster.write(codes, row=row)
    return raster_files(path)


def _colour(code: int) -> str:
    """Mix the family's colour, lighter where it lowers the score."""
    family, lowers = divmod(code, 2)
    hue = HUES[family % len(HUES)]
    levels = [int(hue[place : place + 2], 16) for place in (1, 3, 5)]
    mixed = [round(level + lowers * LIGHTER * (255 - level)) for level in levels]
    return "#" + "".join(f"{level:02x}" for level in mixed)
