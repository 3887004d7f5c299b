"""The run's own layers that a map shows: which there are, and what each is on it."""

from dataclasses import dataclass

from minerisk.configs.bounds import names_in
from minerisk.configs.layer_names import (
    OPEN_WATER,
    PLACES,
    RAILWAYS,
    RIVERS,
    ROADS,
    TRACKS,
    is_called,
)
from minerisk.configs.schema import VectorLayer
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.plotting.map_layers import front_names
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.service.desk.runs import vector_layers
from minerisk.pipelines.service.pages.words import LAYERS

CALLED = (
    ("water", (*RIVERS, *OPEN_WATER)),
    ("roads", (*ROADS, *RAILWAYS, *TRACKS)),
    ("places", PLACES),
)
SHOWN = {"boundary", "districts", "line", "places", "water", "roads"}
"""What is on the map from the beginning."""
ORDER = ("boundary", "districts", "line", "places", "water", "roads", "other", "findings")


@dataclass(frozen=True)
class DrawnLayer:
    """A layer of a run on the map.

    Attributes
    ----------
    role
        What it is drawn as.
    shown
        Whether it is there from the beginning.
    """

    name: str
    role: str
    title: str
    shown: bool


def drawn_layers(run: Run, texts: Texts) -> list[DrawnLayer]:
    """List the layers of a run that a map can show, in the order of its list."""
    found = []
    for name in vector_layers(run):
        role = _role(run, name)
        title = texts.say(LAYERS[role]) if role in LAYERS and role != "findings" else ""
        found.append(DrawnLayer(name, role, title or name.replace("_", " "), role in SHOWN))
    return sorted(found, key=lambda layer: ORDER.index(layer.role))


def _role(run: Run, name: str) -> str:
    config, area = run.config, run.config.study_area
    evidence = {item.layer for item in config.labels.positive}
    if name in evidence | {item.layer for item in config.labels.searches}:
        return "findings"
    if name == area.boundary:
        return "boundary"
    if area.districts is not None and name == area.districts.layer:
        return "districts"
    if name in front_names(run):
        return "line"
    words = f"{name} {_path(run, name)}"
    for role, parts in CALLED:
        if is_called(words, parts) and name in _asked(run):
            return role
    return "other"


def _asked(run: Run) -> set[str]:
    return {name for item in run.config.features for name in names_in(item.layer)}


def _path(run: Run, name: str) -> str:
    layer = run.config.layers[name]
    return (layer.layer or "") if isinstance(layer, VectorLayer) else ""
