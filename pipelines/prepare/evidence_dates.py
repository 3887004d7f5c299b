"""How old the evidence is: the first and last day of the records of each layer."""

import datetime as dt

import numpy as np

from minerisk.configs.schema import Config
from minerisk.features.layers.sources import Layers
from minerisk.pipelines.records.manifest import EvidenceDates
from minerisk.pipelines.run.finding_rows import finding_layers

FIRST_DAY = dt.date(1970, 1, 1)


def evidence_dates(config: Config, layers: Layers) -> tuple[EvidenceDates, ...]:
    """Find the oldest and the newest record of each layer that labels are made of.

    Records later than ``study_area.as_of`` are no part of the run and do not count.
    """
    return tuple(_dates(config, layers, name) for name in finding_layers(config))


def _dates(config: Config, layers: Layers, name: str) -> EvidenceDates:
    frame = layers.vector(name, crs=config.study_area.crs)
    days = layers.days(name, frame)
    if days is None:
        return EvidenceDates(layer=name, records=len(frame), undated=len(frame))
    as_of = config.study_area.as_of
    kept = np.ones(len(frame), dtype=bool) if as_of is None else ~days.after(as_of)
    first, last = days.first[kept], days.last[kept]
    known = np.isfinite(first) & np.isfinite(last)
    return EvidenceDates(
        layer=name,
        records=int(kept.sum()),
        undated=int((~known).sum()),
        oldest=_day(first[known].min()) if known.any() else None,
        newest=_day(last[known].max()) if known.any() else None,
    )


def _day(number: float) -> dt.date:
    return FIRST_DAY + dt.timedelta(days=int(number))
