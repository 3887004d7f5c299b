import numpy as np
import optuna
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from minerisk.features.errors import InputError
from minerisk.models.estimators.column_pipeline import risk_pipeline
from minerisk.models.estimators.estimators import LightGBMEnsemble
from minerisk.models.evaluation.out_of_fold_scores import Drawing, out_of_fold
from minerisk.models.folds.protocol import Protocol, ProtocolName, Splitter
from minerisk.models.folds.splits import folds_from_ids
from minerisk.models.selection.nested_search import NestedChoice, inner_protocol
from minerisk.models.selection.trials import Trial
from minerisk.models.table import CellTable

DRAWING = Drawing(negatives_per_positive=5.0, block_m=5_000.0, seed=2)


def table(n: int = 3_000) -> CellTable:
    rng = np.random.default_rng(0)
    cells = pd.DataFrame(rng.uniform(0, 60_000, (n, 2)), columns=["easting", "northing"])
    cells["a"], cells["b"] = rng.normal(size=n), rng.normal(size=n)
    found = rng.random(n) < 1 / (1 + np.exp(2.5 - 2 * cells["a"]))
    return CellTable(
        cells=cells,
        state=found.to_numpy().astype(np.int8),
        weight=np.ones(n, dtype=np.float32),
        region=(cells["easting"] // 10_000).to_numpy(dtype=np.int32),
        cell_ha=6.25,
    )


def make(settings: dict[str, object]) -> Pipeline:
    features = ["a"] if settings["use_a"] else ["b"]
    ensemble = LightGBMEnsemble(members=1, trees=20, min_cells_in_leaf=20, feature_share=1.0)
    return risk_pipeline(features, findings=None, classifier=ensemble)


def choice(**changes: object) -> NestedChoice:
    settings = {
        "space": {"use_a": (False, True)},
        "quick": make,
        "full": make,
        "read": lambda settings: settings,
        "trials_each": 6,
        "first": [{"use_a": False}],
        "inner_folds": 3,
        "drawing": DRAWING,
    }
    return NestedChoice(**(settings | changes))  # type: ignore[arg-type]


def test_the_setting_that_tells_is_chosen_and_every_trial_is_kept() -> None:
    chosen = choice()
    chosen(table())
    assert chosen.chosen == [{"use_a": True}]
    assert len(chosen.trials) == 6
    assert chosen.trials[0].settings == {"use_a": False}
    best = max(chosen.trials, key=lambda trial: trial.scores.objective)
    assert best.settings == {"use_a": True}
    assert chosen.search.is_chosen(best)
    assert best.scores.roc_auc > 0.75


def test_a_setting_that_fails_is_kept_with_its_reason_and_passed_over(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def fragile(settings: dict[str, object]) -> Pipeline:
        if settings["use_a"]:
            raise InputError("A resampled set of blocks holds only one class.")
        return make(settings)

    chosen = choice(quick=fragile, first=[{"use_a": True}, {"use_a": False}])
    chosen(table())
    assert chosen.chosen == [{"use_a": False}]
    assert chosen.trials[0] == Trial(
        choice=0,
        trial=0,
        settings={"use_a": True},
        scores=None,
        failed="A resampled set of blocks holds only one class.",
    )
    assert "Traceback" not in capfd.readouterr().err + caplog.text
    assert "only one class" in caplog.text


def test_settings_that_agree_in_all_that_is_read_are_fitted_once() -> None:
    fitted: list[object] = []

    def counted(settings: dict[str, object]) -> Pipeline:
        fitted.append(settings["use_a"])
        return make(settings)

    space = {"use_a": (False, True), "never_read": (1, 2, 3)}
    chosen = choice(
        space=space,
        quick=counted,
        read=lambda settings: {"use_a": settings["use_a"]},
        first=[{"use_a": use, "never_read": 1} for use in (False, True)],
    )
    chosen(table())
    assert fitted == [False, True]
    assert len(chosen.trials) == 6


def test_where_every_setting_fails_the_reason_is_given() -> None:
    def broken(_: object) -> Pipeline:
        raise InputError("A resampled set of blocks holds only one class.")

    with pytest.raises(InputError, match=r"None of 6 settings .* only one class"):
        choice(quick=broken)(table())


def test_where_land_is_too_little_for_inner_folds_the_settings_stated_are_used() -> None:
    cells = table(300)
    one_block = CellTable(
        cells.cells.assign(easting=10.0, northing=10.0),
        cells.state,
        cells.weight,
        np.zeros(300, dtype=np.int32),
        6.25,
    )
    chosen = choice()
    pipeline = chosen(one_block)
    assert chosen.chosen == [{"use_a": False}]
    assert pipeline.named_steps["columns"].transformers[0][2] == ["b"]
    assert len(chosen.trials) == 1
    assert "inner folds" in str(chosen.trials[0].failed)


def test_what_is_held_out_has_no_part_in_the_choice() -> None:
    cells = table()
    folds = Protocol(ProtocolName.FAR, Splitter.REGIONS, folds_from_ids(cells.region))
    first = choice()
    out_of_fold(first, cells, folds, drawing=DRAWING)
    state = cells.state.copy()
    held_out = folds.folds[0][1]
    state[held_out] = 1 - state[held_out]
    changed = CellTable(cells.cells, state, cells.weight, cells.region, cells.cell_ha)
    second = choice()
    out_of_fold(second, changed, folds, drawing=DRAWING)
    own = [trial for trial in first.trials if trial.choice == 0]
    assert own == [trial for trial in second.trials if trial.choice == 0]
    assert first.trials != second.trials


def test_inner_folds_keep_regions_whole() -> None:
    cells = table()
    for train, test in inner_protocol(cells, 3, DRAWING, 0).folds:
        assert not set(cells.region[train]) & set(cells.region[test])


def test_too_little_land_is_refused_in_words() -> None:
    cells = table(300)
    one_block = CellTable(
        cells.cells.assign(easting=10.0, northing=10.0),
        cells.state,
        cells.weight,
        np.zeros(300, dtype=np.int32),
        6.25,
    )
    with pytest.raises(InputError, match="inner folds"):
        inner_protocol(one_block, 3, DRAWING, 0)


def test_a_search_changes_no_setting_of_optuna() -> None:
    before = optuna.logging.get_verbosity()
    choice()(table())
    assert optuna.logging.get_verbosity() == before
