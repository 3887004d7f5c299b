"""Three readings of a layer held against each other: validate, build, and an independent one."""

import datetime as dt
import shutil
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.layers.problems import Level
from minerisk.features.layers.quality import validate_layers
from minerisk.features.layers.sources import Layers, RasterSource, Source, VectorSource
from minerisk.pipelines.language.messages import ENGLISH
from tests.fuzz import raster_plans, vector_plans
from tests.fuzz.raster_plans import SIDE, SOUTH, UTM, WEST, RasterPlan
from tests.fuzz.vector_plans import VectorPlan

GRID = GeoBox.from_bbox((WEST, SOUTH, WEST + SIDE, SOUTH + SIDE), UTM, shape=(9, 9))
AREA = gpd.GeoDataFrame(geometry=[shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)], crs=UTM)
CLOSE = 1e-6
EPOCH = dt.date(1970, 1, 1)


class Outcome(StrEnum):
    """What became of a layer."""

    READ = "read"
    REFUSED_INVALID = "refused_invalid"
    REFUSED_VALID = "refused_valid"


@dataclass
class Tally:
    """What became of many layers, by kind."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    wrongly: Counter[str] = field(default_factory=Counter)
    rightly: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, outcome: Outcome, why: str) -> None:
        """Count one layer."""
        self.outcomes[outcome] += 1
        self.kinds[kind] += 1
        if outcome == Outcome.REFUSED_VALID:
            self.wrongly[why] += 1
        if outcome == Outcome.REFUSED_INVALID:
            self.rightly[why] += 1

    def add_fault(self, error: Exception, plan: object) -> None:
        """Count a layer with which something went wrong, and keep the first of its kind."""
        what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        self.faults[what] += 1
        self.examples.setdefault(what, repr(plan))

    def facts(self) -> dict[str, dict[str, int] | dict[str, str]]:
        """Return all counts, for JSON."""
        return {
            "outcomes": {str(outcome): self.outcomes[outcome] for outcome in Outcome},
            "kinds": dict(self.kinds),
            "valid_refused": dict(self.wrongly),
            "invalid_refused": dict(self.rightly),
            "faults": dict(self.faults),
            "examples": self.examples,
        }

    @property
    def tried(self) -> int:
        """How many layers were tried."""
        return self.outcomes.total() + self.faults.total()


class WithArea(Layers):
    """Layers beside a study area that is at hand, so that it is not read anew for each."""

    def names(self) -> list[str]:
        return ["area", *super().names()]

    def vector(self, name: str, *, crs: str) -> gpd.GeoDataFrame:
        return AREA.copy() if name == "area" else super().vector(name, crs=crs)

    def source(self, name: str) -> Source:
        if name == "area":
            return RasterSource(Path("@area"))  # is noted, and not looked at
        return super().source(name)


def refusals(layers: Layers, *, unit: str | None = None) -> list[str]:
    """Return why `validate` says that the layer `a` cannot be used: code and words."""
    found = validate_layers(
        layers, area="area", crs=UTM, units={} if unit is None else {"a": unit}, reach_m=20.0
    )
    assert {problem.layer for problem in found} <= {"a", "area"}
    return [
        f"{problem.code}: {ENGLISH.say(problem)}"
        for problem in found
        if problem.level == Level.ERROR
    ]


def hold_raster(plan: RasterPlan, root: Path) -> tuple[Outcome, str]:
    """Write a raster layer, read it three times, and return what became of it.

    Raises
    ------
    AssertionError
        If what `validate` passes cannot be read, is read otherwise than independently, or is
        something that had to be refused.
    """
    raster_plans.write(plan, root)
    source = RasterSource(
        plan.path,
        band=plan.chosen,
        resampling="nearest" if plan.seed % 2 else "bilinear",
        unit=plan.told_unit,
        nodata=(plan.fill,) if plan.nodata == "told" else (),
    )
    unit = "m" if plan.elevation else None
    invalid = plan.why_invalid()
    refused = refusals(WithArea({"a": source}, root), unit=unit)
    if refused:
        return _refused(invalid, refused)
    layers = Layers({"a": source}, root)
    try:
        _equals_independent(plan, layers, root, unit)
    except InputError as error:
        raise AssertionError(f"validate passes what build cannot read: {error}") from error
    assert invalid is None, f"{invalid} is passed without a word"
    return Outcome.READ, ""


def _refused(invalid: str | None, refused: list[str]) -> tuple[Outcome, str]:
    if invalid is None:
        return Outcome.REFUSED_VALID, refused[0]
    return Outcome.REFUSED_INVALID, invalid


def _equals_independent(plan: RasterPlan, layers: Layers, root: Path, unit: str | None) -> None:
    values, transform = raster_plans.independent(plan, root)
    band = layers.band("a")
    factor = 1.0 if unit is None else layers.factor("a", unit)
    got = band.read(slice(0, band.shape[0]), slice(0, band.shape[1])) * factor
    if band.transform.e * transform.e < 0:
        got = got[::-1]
    assert got.shape == values.shape
    assert (np.isnan(got) == np.isnan(values)).all(), "missing cells differ"
    assert np.allclose(got, values, rtol=CLOSE, atol=CLOSE, equal_nan=True), "values differ"
    assert band.transform.almost_equals(transform, precision=1e-7), "places differ"
    source = RasterSource(
        plan.path, plan.chosen, None, "nearest", plan.told_unit, layers.raster_source("a").nodata
    )
    on_grid = Layers({"a": source}, root).raster("a", GRID, unit=unit)
    expected, sure = sampled(values, transform, plan.crs or UTM)
    same = np.isclose(on_grid, expected, rtol=CLOSE, atol=1e-4, equal_nan=True)
    assert same[sure].all(), "values on the grid differ"
    assert (~np.isnan(layers.raster("a", GRID, unit=unit))).any()


def sampled(
    values: NDArray[np.float64], transform: Affine, crs: str
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Take the value under each cell centre of the grid, and tell where it is no close call."""
    step = SIDE / 9
    easting = WEST + step * (np.arange(9) + 0.5)
    northing = SOUTH + SIDE - step * (np.arange(9) + 0.5)
    x, y = raster_plans.way(crs).transform(*np.meshgrid(easting, northing))
    back = ~transform
    column, row = back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f
    sure = (np.abs(column - np.round(column)) > 1e-4) & (np.abs(row - np.round(row)) > 1e-4)
    return values[np.floor(row).astype(int), np.floor(column).astype(int)], sure


def hold_vector(plan: VectorPlan, root: Path) -> tuple[Outcome, str]:
    """Write a vector layer, read it three times, and return what became of it.

    Raises
    ------
    AssertionError
        If what `validate` passes cannot be read, is read otherwise than independently, or is
        something that had to be refused.
    """
    vector_plans.write(plan, root)
    csv = plan.suffix == "csv"
    source = VectorSource(
        plan.path,
        layer="first" if plan.several and plan.named else None,
        crs=plan.told_crs,
        easting="lon" if csv else None,
        northing="lat" if csv else None,
        keep=vector_plans.keep_of(plan),
        date_column=None if plan.dates == "none" else "date",
        date_format=plan.date_format,
    )
    invalid = plan.why_invalid()
    refused = refusals(WithArea({"a": source}, root))
    if refused:
        return _refused(invalid, refused)
    layers = Layers({"a": source}, root)
    try:
        frame = layers.vector("a", crs=UTM)
        days = layers.days("a", frame)
    except InputError as error:
        raise AssertionError(f"validate passes what build cannot read: {error}") from error
    assert invalid is None, f"{invalid} is passed without a word"
    expected = vector_plans.independent(plan, root)
    assert len(frame) == len(expected), "counts differ"
    assert list(frame["name"].astype(str)) == list(expected["name"].astype(str)), "texts differ"
    for column in ("rank", "share"):
        assert np.allclose(frame[column].astype(float), expected[column].astype(float))
    moved = shapely.hausdorff_distance(
        shapely.normalize(frame.geometry.array), shapely.normalize(expected.geometry.array)
    )
    assert (moved < CLOSE).all(), "places differ"
    if days is not None:
        drawn = vector_plans.days_of(plan)
        numbers = [(drawn[round(share * 4)] - EPOCH).days for share in frame["share"]]
        assert days.first.tolist() == days.last.tolist() == numbers, "days differ"
    return Outcome.READ, ""


def emptied(root: Path) -> Path:
    """Return the folder with nothing in it."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    return root
