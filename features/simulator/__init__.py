"""A world with known truth: land, laying, survey."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.features.simulator.imagery import positions_seen
    from minerisk.features.simulator.land import (
        Landscape,
        describe_land,
        displace_front,
        fractal_terrain,
        made_up_land,
    )
    from minerisk.features.simulator.laying import Laying, simulate_laying
    from minerisk.features.simulator.survey import Survey, simulate_survey, systematic_sample
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "Landscape",
    "Laying",
    "Survey",
    "describe_land",
    "displace_front",
    "fractal_terrain",
    "made_up_land",
    "positions_seen",
    "simulate_laying",
    "simulate_survey",
    "systematic_sample",
]
