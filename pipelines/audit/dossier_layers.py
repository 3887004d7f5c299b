"""What is made of each layer of a run, and what the model loses without that."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from minerisk.features.cube.store import open_cube
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.results import Importance
from minerisk.pipelines.run.folder import Run

PAST_FINDINGS = "past_findings"


class Use(StrEnum):
    """What a layer is for."""

    COLUMNS = "columns"
    EVIDENCE = "evidence"
    SURVEY = "survey"
    UNUSED = "unused"


@dataclass(frozen=True)
class LayerUse:
    """A layer and one family of features that is made of it.

    Attributes
    ----------
    columns
        Of that family.
    fall
        In ROC-AUC when the family is shuffled; None where it was not measured.
    """

    layer: str
    use: Use
    family: str = ""
    columns: tuple[str, ...] = ()
    fall: Estimate | None = None


def layer_uses(run: Run, importance: Iterable[Importance]) -> tuple[LayerUse, ...]:
    """List what is made of each layer; a column made of two layers is listed under both."""
    falls = {row.family: Estimate(row.drop, row.low, row.high) for row in importance}
    return tuple(_uses(run, _columns(run, falls), falls))


def _columns(run: Run, families: Mapping[str, Estimate]) -> dict[str, dict[str, list[str]]]:
    """Sort the columns of the cube by layer and family."""
    made: dict[str, dict[str, list[str]]] = {name: {} for name in run.config.layers}
    if run.files.cube.exists():
        with open_cube(run.files.cube) as cube:
            for name, array in cube.data_vars.items():
                layers = str(array.attrs.get("layer", "")).split(", ")
                family = _family(array.attrs, layers, families)
                for layer in made.keys() & set(layers):
                    made[layer].setdefault(family, []).append(str(name))
    return made


def _family(
    attrs: Mapping[Hashable, object], layers: list[str], families: Mapping[str, Estimate]
) -> str:
    """Find the family that importance counts a column under: its layer, for distances."""
    own = [*layers, str(attrs.get("family", ""))]
    return next((name for name in reversed(own) if name in families), own[-1])


def _uses(
    run: Run, made: Mapping[str, Mapping[str, list[str]]], falls: Mapping[str, Estimate]
) -> Iterator[LayerUse]:
    evidence = {item.layer for item in run.config.labels.positive}
    for layer, families in sorted(made.items()):
        if layer == run.config.labels.surveyed:
            yield LayerUse(layer, Use.SURVEY)
        elif not families and layer not in evidence:
            yield LayerUse(layer, Use.UNUSED)
        for family, columns in families.items():
            yield LayerUse(layer, Use.COLUMNS, family, tuple(columns), falls.get(family))
        if layer in evidence:
            yield LayerUse(layer, Use.EVIDENCE, PAST_FINDINGS, fall=falls.get(PAST_FINDINGS))
