"""What a map on a page is made of, as its script reads it."""

from dataclasses import dataclass, replace

from pydantic import JsonValue

from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.service.desk.runs import RunFacts
from minerisk.pipelines.service.pages.layers import DrawnLayer, drawn_layers
from minerisk.pipelines.service.tiles.colours import RISK_MAPS, TITLES, MapName, Swatch, legend
from minerisk.pipelines.service.tiles.shade import has_heights

Extent = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


class ScriptMap(Record):
    """A map to choose; `tiles` is where its own come from, if not from where all do."""

    name: str
    title: str
    tiles: str | None = None


class ScriptLayer(Record):
    """A layer to draw, and where its shapes come from."""

    name: str
    role: str
    url: str
    shown: bool


class MapFacts(Record):
    """What the script of a map is told.

    Attributes
    ----------
    tiles
        Where tiles come from, without map, zoom and place.
    cell
        Where a cell is asked about.
    unknown
        Whether land that cannot be spoken for is hatched over the maps.
    tasks
        Where survey tasks come from.
    outline
        GeoJSON of the land that was asked for.
    focus
        What is shown at first; none is all of it.
    """

    extent: Extent
    tiles: str
    cell: str
    maps: tuple[ScriptMap, ...]
    layers: tuple[ScriptLayer, ...]
    shade: bool
    unknown: bool = True
    tasks: str | None = None
    outline: JsonValue = None
    focus: Extent | None = None


@dataclass(frozen=True)
class MapPart:
    """A map with what stands beside it: its choices, its legends, its layers."""

    facts: MapFacts
    titles: dict[str, str]
    legends: dict[str, list[Swatch]]
    layers: list[DrawnLayer]
    swipe: bool
    right: str = MapName.PROBABILITY

    @property
    def json(self) -> str:
        """What the script reads."""
        return self.facts.model_dump_json()

    def at(self, focus: Extent) -> "MapPart":
        """Return the map as it is opened at a part of its land, to be printed: without swipe."""
        return replace(self, facts=self.facts.model_copy(update={"focus": focus}), swipe=False)


def run_map(run: Run, facts: RunFacts, texts: Texts, *, hazard: str) -> MapPart:
    """Put together the map of a run."""
    name = facts.run.id
    return _part(
        run, name, texts, (facts.west, facts.south, facts.east, facts.north),
        tiles=f"/tiles/runs/{name}/{hazard}", cell=f"/runs/{name}/cell?hazard={hazard}",
    )  # fmt: skip


def result_map(
    run: Run, name: str, asked: str, extent: Extent, texts: Texts, *, outline: JsonValue = None
) -> MapPart:
    """Put together the map of a result, with a swipe between two of its maps."""
    return _part(
        run, name, texts, extent, tiles=f"/tiles/requests/{asked}",
        cell=f"/requests/{asked}/cell", tasks=f"/api/requests/{asked}/tasks", outline=outline,
    )  # fmt: skip


def drawn_map(run: Run, name: str, asked: str, extent: Extent, texts: Texts) -> MapPart:
    """Put together the risk classes of a request whose tasks and files are not there yet."""
    return _part(run, name, texts, extent, tiles=f"/tiles/requests/{asked}", cell="")


def _part(
    run: Run,
    name: str,
    texts: Texts,
    extent: Extent,
    *,
    tiles: str,
    cell: str,
    tasks: str | None = None,
    outline: JsonValue = None,
) -> MapPart:
    layers, titles = drawn_layers(run, texts), texts.words(TITLES)
    facts = MapFacts(
        extent=extent,
        tiles=tiles,
        cell=cell,
        maps=tuple(ScriptMap(name=each, title=titles[each]) for each in RISK_MAPS),
        layers=tuple(
            ScriptLayer(
                name=each.name,
                role=each.role,
                url=f"/api/runs/{name}/layers/{each.name}",
                shown=each.shown,
            )
            for each in layers
        ),
        shade=has_heights(run),
        tasks=tasks,
        outline=outline,
    )
    legends = {str(each): legend(each, texts) for each in RISK_MAPS}
    named = {str(name): title for name, title in titles.items()}
    return MapPart(facts, named, legends, layers, swipe=tasks is not None)


def beside_map(old: str, facts: RunFacts, names: tuple[str, str], texts: Texts) -> MapPart:
    """Put the risk classes of two runs beside each other, with a swipe between them.

    Each class has its own grey for land that cannot be spoken for, so none is hatched over both.

    Parameters
    ----------
    old, facts
        Id of the run that was there, and what is known of the one made anew.
    names
        Of both.
    """
    new, title = facts.run.id, texts.say(TITLES[MapName.CLASS])
    first, second = str(MapName.CLASS), f"{MapName.CLASS}-new"
    titles = {first: f"{title}: {names[0]}", second: f"{title}: {names[1]}"}
    told = MapFacts(
        extent=(facts.west, facts.south, facts.east, facts.north),
        tiles=f"/tiles/runs/{old}/any",
        cell="",
        maps=(
            ScriptMap(name=first, title=titles[first]),
            ScriptMap(
                name=second,
                title=titles[second],
                tiles=f"/tiles/runs/{new}/any/{MapName.CLASS}",
            ),
        ),
        layers=(),
        shade=False,
        unknown=False,
    )
    legends = {first: [replace(each, hatched=False) for each in legend(MapName.CLASS, texts)]}
    return MapPart(told, titles, legends, [], swipe=True, right=second)
