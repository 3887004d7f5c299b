"""The raster of reasons: which families of features move each cell's score most."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.windows import Window

from minerisk.features.errors import InputError
from minerisk.models.attribution import PAST_FINDINGS, attribute_to_families, top_families
from minerisk.models.risk_model import RiskModel
from minerisk.pipelines.formats.palette import OUTSIDE
from minerisk.pipelines.formats.pam import aux_xml
from minerisk.pipelines.formats.qml import class_qml
from minerisk.pipelines.provenance.files import write_whole

REASON_BANDS = ("reason_1", "reason_2", "reason_3")
HUES = (
    *("#3b0050", "#08519c", "#c51b8a", "#525252", "#7a5195", "#3182bd", "#dd3497", "#8c6d31"),
    *("#807dba", "#6baed6", "#ae017e", "#969696"),
)
LIGHTER = 0.55


def reason_names(families: Sequence[str]) -> list[str]:
    """Give the families in the order of their codes, past findings last."""
    return [*families, PAST_FINDINGS]


def reason_bands(
    model: RiskModel, columns: pd.DataFrame, families: Mapping[str, Sequence[str]]
) -> dict[str, NDArray[np.float32]]:
    """Give the codes of the three families that move each cell's score most, strongest first.

    Parameters as for `minerisk.models.attribution.attribute_to_families`.

    Code: twice the place of the family in `reason_names`, and 1 more where it lowers the score;
    NaN where no further family adds anything.
    """
    used, values = attribute_to_families(model, columns, families)
    names = reason_names(list(families))
    spread = np.zeros((len(columns), len(names)), dtype=np.float32)
    spread[:, [names.index(name) for name in used]] = values
    codes = top_families(spread, len(REASON_BANDS)).astype(np.float32)
    codes[codes == OUTSIDE] = np.nan
    return {name: codes[:, place] for place, name in enumerate(REASON_BANDS)}


def reason_words(families: Sequence[str]) -> dict[int, str]:
    """Say what each code means."""
    return {
        2 * place + lowers: f"{name.replace('_', ' ')} {verb} the score"
        for place, name in enumerate(reason_names(families))
        for lowers, verb in enumerate(("raises", "lowers"))
    }


def write_reason_raster(
    path: Path,
    geobox: GeoBox,
    blocks: Iterable[tuple[int, NDArray[np.float32]]],
    families: Sequence[str],
    tags: Mapping[str, str],
    *,
    scratch: Path | None = None,
) -> list[Path]:
    """Write ``reasons.tif``: three uint8 bands of codes, their words in the tags, 255 nodata.

    Parameters
    ----------
    blocks
        First row of a strip, and its codes, float32 of shape ``(3, rows, width)``, NaN for none.
    families
        Names, in the order of the cube.
    scratch
        As for `minerisk.pipelines.formats.cog.RasterWriter`.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    words = reason_words(families)
    colours = {code: _colour(code) for code in words}
    folder = scratch or path.parent
    draft, partial = (folder / f".{path.name}.{part}.tif" for part in ("draft", "partial"))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with rasterio.open(draft, "w", **_profile(geobox)) as dataset:
            for row, codes in blocks:
                whole = np.where(np.isnan(codes), OUTSIDE, codes).astype(np.uint8)
                dataset.write(whole, window=Window(0, row, geobox.width, whole.shape[1]))
            for band, order in enumerate(("strongest", "second", "third"), start=1):
                dataset.set_band_description(band, f"{order} reason: code of a family of features")
            dataset.update_tags(**tags, **{f"REASON_{code}": text for code, text in words.items()})
        rasterio.shutil.copy(
            draft,
            partial,
            driver="COG",
            COMPRESS="DEFLATE",
            LEVEL="6",
            OVERVIEW_RESAMPLING="MODE",
            NUM_THREADS="1",
            BIGTIFF="IF_SAFER",
        )
        partial.replace(path)
    except RasterioError as failure:
        raise InputError(
            f"{path} could not be written ({failure}). Check that the disk has room and that the "
            "folder may be written to."
        ) from failure
    finally:
        for leftover in (draft, partial):
            leftover.unlink(missing_ok=True)
    return [
        path,
        write_whole(path.with_suffix(".qml"), class_qml(colours, words)),
        write_whole(path.with_name(path.name + ".aux.xml"), aux_xml({}, words, colours)),
    ]


def _profile(geobox: GeoBox) -> dict[str, Any]:
    return {
        "driver": "GTiff",
        "height": geobox.height,
        "width": geobox.width,
        "count": len(REASON_BANDS),
        "dtype": "uint8",
        "crs": str(geobox.crs),
        "transform": geobox.transform,
        "nodata": OUTSIDE,
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "compress": "deflate",
        "photometric": "MINISBLACK",
        "bigtiff": "if_safer",
    }


def _colour(code: int) -> str:
    """Give the family's colour, lighter where it lowers the score."""
    family, lowers = divmod(code, 2)
    hue = HUES[family % len(HUES)]
    levels = [int(hue[place : place + 2], 16) for place in (1, 3, 5)]
    mixed = [round(level + lowers * LIGHTER * (255 - level)) for level in levels]
    return "#" + "".join(f"{level:02x}" for level in mixed)
