"""Fields of IMSMA: there is one for whatever tasks can be ranked by."""

from typing import get_args

import geopandas as gpd
import pytest
from shapely.geometry import box

from minerisk.configs.tasks import Tasks
from minerisk.pipelines.formats.imsma import HAZARDS, task_fields
from minerisk.pipelines.records.choices import Hazard
from minerisk.pipelines.run.hazards import HAZARD_TITLES, LAYERS

CHOICES = get_args(Hazard)


def test_every_layer_has_its_words_wherever_layers_have_words() -> None:
    assert set(HAZARDS) == set(HAZARD_TITLES) == set(LAYERS) == set(CHOICES)
    assert set(get_args(Tasks.model_fields["hazard"].annotation)) == set(CHOICES)


@pytest.mark.parametrize("hazard", CHOICES)
def test_tasks_of_every_layer_have_their_fields(hazard: str) -> None:
    tasks = gpd.GeoDataFrame({"task": ["NTS-0001"]}, geometry=[box(0, 0, 1, 1)], crs=32638)
    found = task_fields(tasks, study_area="here", hazard=hazard)
    assert found.Hazard_Cla[0] in {"Landmine / Antipersonnel", "Landmine / Antivehicle",
                                   "UXO/AXO", "Not Specified"}  # fmt: skip
