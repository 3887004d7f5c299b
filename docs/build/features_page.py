"""The page `docs/features.md`: every kind of feature, with a picture of it on real ground.

``python -m docs.build.features_page`` writes it.
"""

import io
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pydantic
import yaml
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from PIL import Image

from minerisk.configs.layers import RasterLayer, VectorLayer
from minerisk.configs.load import load_config
from minerisk.configs.schema import Feature
from minerisk.features.cube.feature import build_window
from minerisk.features.grid import cells_inside, study_grid
from minerisk.features.layers.sources import Layers
from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.evaluate.ablation import setup_words
from minerisk.pipelines.prepare.feature_list import (
    Column,
    KindFacts,
    columns_of,
    describe_kinds,
    reach_words,
)
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.records.evaluations import (
    Ablation,
    AblationMeasure,
    AblationRow,
    Ablations,
    Change,
)
from minerisk.pipelines.run.layers import FeatureSpec, Placed, open_layers

logger = logging.getLogger(__name__)

AREA = Path("configs/karabakh.yaml")
EXAMPLES = Path("docs/features.yaml")
PAGE = Path("docs/features.md")
PICTURES = Path("docs/features")
ABLATION = PICTURES / "ablation.json"
TEXT = Path("docs/features_intro.md")

DRAWN_AT_M = 500.0
_NO_DATA = "#bdbdbd"
_COLOURS = 48
_MEASURES = {
    AblationMeasure.ROC_AUC: "ROC-AUC",
    AblationMeasure.AVERAGE_PRECISION: "Average precision",
    AblationMeasure.FOUND_IN_TOP_20: "Share of positives in the 20 % of land put first",
}


SOURCE = "made up for pictures"


def _points(path: str, *, position_error_m: float = 0.0) -> VectorLayer:
    return VectorLayer(
        kind="vector",
        path=path,
        crs="EPSG:4326",
        easting="longitude",
        northing="latitude",
        position_error_m=position_error_m,
        source=SOURCE,
    )


def _greenness(band: int) -> RasterLayer:
    return RasterLayer(
        kind="raster", path="made_up_greenness.tif", band=band, unit="%", source=SOURCE
    )


MADE_UP: dict[str, VectorLayer | RasterLayer] = {
    "made_up_events": _points("made_up_events.csv"),
    "made_up_positions": _points("made_up_positions.csv"),
    "made_up_records": _points("made_up_positions.csv", position_error_m=1_500.0),
    "made_up_settlements": _points("made_up_people.csv"),
    "made_up_opposing_line": VectorLayer(
        kind="vector", path="made_up_opposing_line.geojson", source=SOURCE
    ),
    "made_up_searched": VectorLayer(kind="vector", path="made_up_searched.geojson", source=SOURCE),
    "made_up_greenness_before": _greenness(1),
    "made_up_greenness": _greenness(2),
}
"""Layers for pictures of kinds that no public layer of Karabakh allows; they stand for nothing."""


def write_page(root: Path) -> list[Path]:
    """Write the page and its pictures; give their paths."""
    layers, geobox, inside = _ground(root)
    (root / PICTURES).mkdir(exist_ok=True)
    paths = []
    for column, (kind, params) in examples(root).items():
        dataset = build_window(layers, geobox, kind=kind, params=params)
        values = np.where(inside, dataset[column].to_numpy(), np.nan)
        path = root / PICTURES / f"{kind}.png"
        words = f"{column} ({dataset[column].attrs['unit']})"
        line = layers.vector("front_line", crs=str(geobox.crs))
        path.write_bytes(picture(values, geobox, inside, words=words, line=line))
        paths.append(path)
    return [write_whole(root / PAGE, page_text(root)), *paths]


def page_text(root: Path) -> str:
    """Return the text of the page, from the code, the schema and ``docs/features.yaml``."""
    layers, geobox, _ = _ground(root)
    shown = {
        asked[0]: (column, columns_of(layers, _middle(geobox), asked))
        for column, asked in examples(root).items()
    }
    kinds = describe_kinds()
    parts = [(root / TEXT).read_text(encoding="utf-8"), "## All kinds\n", _kinds_table(kinds)]
    for kind in kinds:
        parts += _section(kind, *shown.get(kind.kind, ("", [])))
    parts += ["## What pays\n", ablation_text(root / ABLATION)]
    return "\n".join(parts)


def examples(root: Path) -> dict[str, FeatureSpec]:
    """Return the columns that are drawn and their features, as in ``docs/features.yaml``."""
    listed = yaml.safe_load((root / EXAMPLES).read_text(encoding="utf-8"))
    parsed = pydantic.TypeAdapter(dict[str, Feature]).validate_python(listed)
    return {
        column: (item.kind, item.model_dump(exclude={"kind"})) for column, item in parsed.items()
    }


def picture(
    values: NDArray[np.float32],
    geobox: GeoBox,
    inside: NDArray[np.bool_],
    *,
    words: str,
    line: Any,
) -> bytes:
    """Draw one feature with the front line over it, as a PNG of few colours.

    Parameters
    ----------
    values
        The feature, NaN outside the study area, shape ``(height, width)``.
    geobox
        Its grid.
    inside
        True in the study area; land in it without a value is drawn grey.
    words
        Title of the scale: column and unit.
    line
        The front line in the grid's CRS, a GeoDataFrame.
    """
    box = geobox.boundingbox
    figure = Figure(figsize=(4.6, 4.2), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    extent = (box.left, box.right, box.bottom, box.top)
    grey = np.where(inside & np.isnan(values), 1.0, np.nan)
    axes.imshow(grey, extent=extent, cmap=matplotlib.colors.ListedColormap([_NO_DATA]))
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, [1, 99]) if known.size else (0.0, 1.0)
    drawn = axes.imshow(
        values, extent=extent, cmap="BuPu", vmin=low, vmax=max(high, low + 1e-9),
        interpolation="nearest",
    )  # fmt: skip
    outline = inside.astype(np.float32)
    axes.contour(outline, [0.5], colors="#8f8f8f", linewidths=0.6, extent=extent, origin="upper")
    line.plot(ax=axes, color="black", linewidth=1.2)
    axes.set(xlabel="", ylabel="", xlim=extent[:2], ylim=extent[2:], xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.plot([extent[0], extent[0] + 50_000], [extent[2]] * 2, color="black", linewidth=2.5)
    axes.annotate("50 km", (extent[0], extent[2]), (0, 4), textcoords="offset points", fontsize=8)
    if grey[np.isfinite(grey)].size:
        axes.legend(handles=[Patch(color=_NO_DATA, label="no value")], fontsize=7, frameon=False)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.7, location="bottom", pad=0.01, aspect=35)
    bar.ax.tick_params(labelsize=8)
    bar.set_label(words, fontsize=8)
    return _few_colours(figure)


def _few_colours(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    drawn, stream = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    image = Image.open(drawn).convert("RGB")
    image.quantize(_COLOURS, dither=Image.Dither.NONE).save(stream, "png", optimize=True)
    return stream.getvalue()


def _ground(root: Path) -> tuple[Layers, GeoBox, NDArray[np.bool_]]:
    config = load_config(root / AREA)
    config = config.model_copy(update={"layers": {**config.layers, **MADE_UP}})
    made_up = {name: Placed(root / PICTURES, layer.path) for name, layer in MADE_UP.items()}
    layers = open_layers(config, config_path=root / AREA, overrides=made_up)
    boundary = layers.vector(config.study_area.boundary, crs=config.study_area.crs)
    bounds = tuple(boundary.total_bounds)
    geobox = study_grid(bounds, crs=config.study_area.crs, resolution_m=DRAWN_AT_M)
    return layers, geobox, cells_inside(geobox, boundary)


def _middle(geobox: GeoBox) -> GeoBox:
    row, column = geobox.height // 2, geobox.width // 2
    return geobox[row : row + 6, column : column + 6]


def _kinds_table(kinds: Sequence[KindFacts]) -> str:
    rows = [
        (
            f"[`{kind.kind}`](#{kind.kind})",
            kind.words + ("; **search effort**, not read by the model" * (kind.role != "feature")),
            kind.unit,
            reach_words(kind.halo_m),
        )
        for kind in kinds
    ]
    return _table(("kind", "what it tells", "unit", "reach, with the defaults"), rows)


def _section(kind: KindFacts, shown: str, columns: Sequence[Column]) -> Iterator[str]:
    yield f"## {kind.kind}\n"
    yield f"{kind.about}\n"
    settings = [(f"`{item.name}`", item.default, item.words or "–") for item in kind.settings]
    yield _table(("setting", "default", "meaning"), settings)
    if not shown:
        yield "No picture: the embedded study area has no layer for it.\n"
    else:
        rows = [(f"`{column.column}`", column.unit, column.words) for column in columns]
        yield f"![{kind.kind} on the ground of Karabakh](features/{kind.kind}.png)\n"
        made_up = " What it is drawn from is made up." * any("made_up" in c.layer for c in columns)
        yield f"The picture shows `{shown}`; the black line is the front line.{made_up}\n"
        yield _table(("column in Karabakh", "unit", "meaning"), rows)
    follows = ", ".join(f"[doi:{doi}](https://doi.org/{doi})" for doi in kind.references)
    yield f"Method: `{kind.method}`{'; follows ' + follows if follows else ''}.\n"


def ablation_text(path: Path) -> str:
    """Return what each family adds, by study area, or say that it was not measured.

    The file has ``areas``: name of a study area to what `ablation.ablate` gives.
    """
    if not path.is_file():
        return "Not measured yet: no family is claimed to pay.\n"
    areas = Ablations.read(path).areas
    return "\n".join(part for area in areas.values() for part in _area_text(area))


def _area_text(area: Ablation) -> Iterator[str]:
    yield f"### {area.title}\n"
    if area.simulated:
        yield (
            "**SIMULATED** findings: this says which families tell where the simulator lays, and "
            "nothing of real land.\n"
        )
    yield f"{setup_words(area.setup)}\n"
    yield from (f"- {line}" for line in _verdict(area))
    yield (
        "\n*Added*: the model of the base families (a family of the base: of the others) with the "
        "family, less the same without it; above 0 it pays. *Dropped*: the model of all families "
        "without it, less with it; below 0 it is missed. *Far* and *near* as in "
        "[methods.md](methods.md).\n"
    )
    for measure, words in _MEASURES.items():
        yield f"{words}:\n"
        yield _difference_table([row for row in area.rows if row.measure == measure])
    yield f"Made by `{area.command}`.\n"


def _verdict(area: Ablation) -> Iterator[str]:
    """Report which families pay on left-out regions: added, far, ROC-AUC, the interval above 0."""
    told = [
        row
        for row in area.rows
        if (row.change, row.protocol, row.measure)
        == (Change.ADDED, ProtocolName.FAR, AblationMeasure.ROC_AUC)
    ]
    pay = [row.family for row in told if row.lower is not None and row.lower > 0]
    rest = [row.family for row in told if row.family not in pay]
    yield (
        f"Pay on left-out regions (added, far, the 90 % interval of ROC-AUC above 0): "
        f"{_listed(pay)}."
    )
    if area.simulated:
        yield f"Do not pay there: {_listed(rest)}."
        return
    base = area.base
    yield (
        f"Do not pay there, and are **off by default**: {_listed(rest, without=base)}. "
        "`minerisk init` writes none of them, and nothing is computed that a study area's file "
        "does not name."
    )
    yield f"Of the base, do not pay there beside the rest of it: {_listed(rest, of=base)}."
    yield f"Pay, and still have to be asked for by name: {_listed(pay, without=base)}."
    yield (
        f"With {len(told)} families and 90 % intervals, one in twenty that adds nothing looks as "
        "if it paid. What is chosen by this table has to be tested on other land."
    )


def _listed(
    families: Sequence[str], *, of: Sequence[str] | None = None, without: Sequence[str] = ()
) -> str:
    kept = [name for name in families if (of is None or name in of) and name not in without]
    return ", ".join(f"`{name}`" for name in kept) or "none"


def _difference_table(rows: Sequence[AblationRow]) -> str:
    cells = {(row.family, row.change, row.protocol): row for row in rows}
    families = list(dict.fromkeys(row.family for row in rows))
    places = [
        (change, protocol)
        for protocol in (ProtocolName.FAR, ProtocolName.NEAR)
        for change in Change
    ]
    body = [
        (f"`{family}`", *(_difference(cells.get((family, *place))) for place in places))
        for family in families
    ]
    return _table(("family", *(f"{change}, {protocol}" for change, protocol in places)), body)


def _difference(row: AblationRow | None) -> str:
    if row is None or row.difference is None:
        return "–"
    return f"{row.difference:+.3f} ({row.lower:+.3f} to {row.upper:+.3f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    for written in write_page(Path(__file__).resolve().parents[2]):
        logger.info("%s", written)
