"""What a request is called where people read it, in their language."""

from collections.abc import Iterator

from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.task_words import CRITERIA
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.run.hazards import HAZARD_TITLES

DRAWN = "drawn.geojson"
"""What a page of the desk calls land that was drawn on its map."""
DRAWN_LAND = marked("land drawn on the map")
ALL = marked("whole study area")
NEAR = marked("within {metres:amount} m of {layer}")
DISTRICT = marked("district {district}")
AS_OF = marked("as known on {day:day}")
BUDGET = marked("{hectares:hectares} ha of tasks")
WEIGHT = marked("weight of {criterion}: {weight:amount}")
HAZARD_ITSELF = marked("the hazard itself")


def request_title(filters: Filters, texts: Texts = ENGLISH) -> str:
    """Say what is asked for; `Filters.title` is for names of files."""
    return " · ".join(_parts(filters, texts)) or texts.say(ALL)


def _parts(filters: Filters, texts: Texts) -> Iterator[str]:
    if filters.aoi is not None:
        yield texts.say(DRAWN_LAND) if filters.aoi.name == DRAWN else filters.aoi.stem
    for layer in filters.near:
        yield texts.say(NEAR, layer=layer, metres=filters.within_m)
    for district in filters.districts:
        yield texts.say(DISTRICT, district=district)
    if filters.hazard is not None:
        yield texts.say(HAZARD_TITLES[filters.hazard])
    if filters.as_of is not None:
        yield texts.say(AS_OF, day=filters.as_of.isoformat())
    if filters.budget_ha is not None:
        yield texts.say(BUDGET, hectares=filters.budget_ha)
    for name, weight in filters.weights.items():
        known = {criterion.value: words for criterion, words in CRITERIA.items()}
        yield texts.say(WEIGHT, criterion=texts.say(known.get(name, HAZARD_ITSELF)), weight=weight)
