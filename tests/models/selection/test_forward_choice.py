"""Families of features added one by one, on regions left out inside the training land."""

import numpy as np
import pandas as pd
import pytest

from minerisk.configs.schema import Choice, FindingsEncoder, LightGBM, Model
from minerisk.features.errors import InputError
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.selection.candidates import makers
from minerisk.models.selection.forward_choice import choose_families
from minerisk.models.table import CellTable
from minerisk.pipelines.train.spec import model_spec

FAMILIES = {"place": ["place"], "wells": ["wells"], "ground": ["slope", "height"]}


@pytest.fixture(scope="module")
def land() -> CellTable:
    """Twelve regions of 150 cells: risk rises with the slope, and differs by region by chance.

    ``place`` is constant within a region and tells the regions' shares apart, so that it ranks the
    training land well and other land not at all.
    """
    rng = np.random.default_rng(3)
    region = np.repeat(np.arange(12, dtype=np.int32), 150)
    n = len(region)
    cells = pd.DataFrame({"easting": region * 9_000.0 + rng.random(n) * 8_000, "northing": 0.0})
    cells["northing"] = rng.random(n) * 8_000
    share = rng.permutation(np.linspace(-1.5, 1.5, 12))
    cells["place"] = rng.permutation(12)[region].astype(float)
    cells["wells"], cells["slope"] = rng.random(n), rng.random(n)
    cells["height"] = cells["slope"] + rng.normal(0, 0.3, n)
    log_odds = -2.5 + 3 * cells["slope"].to_numpy() + share[region]
    state = (rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)
    return CellTable(cells, state, np.ones(n, np.float32), region, 1.0)


def chosen_on(land: CellTable, *, trials: int = 0):
    model = Model(
        findings=FindingsEncoder(use=False),
        lightgbm=LightGBM(trees=20, leaves=7, min_cells_in_leaf=20),
        choice=Choice(trials=trials, forward_fits=60, kind=("boosted", "logistic")),
        members=2,
        threads=1,
    )
    spec = model_spec(model, as_of=None)
    names = [name for own in FAMILIES.values() for name in own]
    make = makers(names, spec, families=FAMILIES, block_m=4_000)[ModelName.MODEL]
    return make(land), make


def test_noise_that_is_constant_within_a_group_is_dropped_with_all_other_noise(land):
    pipeline, choice = chosen_on(land)
    assert choice.chosen[0]["families"] == "ground"
    columns = pipeline.named_steps["columns"].fit_transform(land.cells)
    assert list(columns) == ["slope", "height"]
    again, _ = chosen_on(land)
    assert again.get_params()["classifier"].get_params() == (
        pipeline.get_params()["classifier"].get_params()
    )


def test_settings_are_searched_on_what_was_chosen(land):
    pipeline, choice = chosen_on(land, trials=2)
    assert {trial.settings["families"] for trial in choice.trials} == {"ground"}
    assert list(pipeline.named_steps["columns"].fit_transform(land.cells)) == ["slope", "height"]


def scores_of(gains: dict[str, float], calls: list[tuple[str, ...]]):
    """Four regions in which each family adds what it adds, a little more in some."""

    def score(names: tuple[str, ...]):
        calls.append(names)
        return 0.5 + sum(gains[name] for name in names) * np.array([0.9, 1.0, 1.0, 1.1])

    return score


def test_a_step_that_would_take_more_fits_than_stated_is_not_begun():
    gains = {"a": 0.1, "b": 0.2, "c": 0.05}
    calls: list[tuple[str, ...]] = []
    assert choose_families(list(gains), scores_of(gains, calls), fits=14, fits_each=3) == ("b",)
    assert len(calls) * 3 <= 14
    found = choose_families(list(gains), scores_of(gains, calls), fits=18, fits_each=3)
    assert found == ("b", "a", "c")
    with pytest.raises(InputError, match="allows 8 models; the first step alone"):
        choose_families(list(gains), scores_of(gains, calls), fits=8, fits_each=3)


def test_of_equals_the_first_is_taken_and_no_gain_ends_the_choice():
    gains = {"a": 0.1, "b": 0.1, "c": 0.0}
    found = choose_families(list(gains), scores_of(gains, []), fits=99, fits_each=3)
    assert found == ("a", "b")


def test_where_fewer_than_three_regions_can_be_measured_every_family_is_read():
    def score(names: tuple[str, ...]):
        return np.array([0.9, 0.8, np.nan])

    assert choose_families(["a", "b"], score, fits=99, fits_each=3) == ("a", "b")
