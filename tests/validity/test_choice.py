"""The model chosen inside training land is not behind the best that it is held against."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from minerisk.configs.schema import Model
from minerisk.models.calibration.logistic import expit
from minerisk.models.evaluation.comparison import compare
from minerisk.models.evaluation.feature_lint import place_columns
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.out_of_fold_scores import fit_pipeline
from minerisk.models.selection.candidates import makers
from minerisk.models.table import CellTable
from minerisk.pipelines.train.spec import model_spec

pytestmark = pytest.mark.validity

WORLDS = 50
GROUPS, FRESH, ROWS = 16, 40, 90
BLOCK_M = 6_000.0
LAWS = ("line", "steps", "group")
OTHERS = (ModelName.RANDOM_FOREST, ModelName.LOGISTIC_REGRESSION)


def world(law, seed, groups):
    """Six columns of places and six of groups; what else differs between groups no column tells."""
    rng = np.random.default_rng([seed, groups])
    group = np.repeat(np.arange(groups), ROWS)
    of_group = rng.normal(size=(groups, 6))
    x = rng.normal(size=(len(group), 6)) + 0.5 * rng.normal(size=(groups, 6))[group]
    told = {
        "line": x[:, 0] - 0.7 * x[:, 1] + 0.5 * x[:, 2],
        "steps": 1.6 * ((x[:, 0] > 0) & (x[:, 1] > 0)) + 1.2 * (np.abs(x[:, 2]) < 0.6),
        "group": 0.5 * x[:, 0] + 0.4 * of_group[group, 0],
    }[law]
    corner = 12_000.0 * np.column_stack([group % 7, group // 7])
    places = corner + rng.uniform(0, 12_000, (len(group), 2))
    cells = pd.DataFrame(places, columns=["easting", "northing"])
    for k in range(6):
        cells[f"place_{k}"] = x[:, k].astype(np.float32)
        cells[f"group_{k}"] = of_group[group, k].astype(np.float32)
    chance = expit(told + rng.normal(0, 0.7, groups)[group] - 2.4)
    return CellTable(
        cells=cells,
        state=(rng.random(len(group)) < chance).astype(np.int8),
        weight=np.ones(len(group), dtype=np.float32),
        region=group.astype(np.int32),
        cell_ha=100.0,
    )


def searched(table, trials):
    model = Model.model_validate(
        {
            "members": 2,
            "threads": 1,
            "findings": {"use": False},
            "lightgbm": {
                "trees": 150,
                "min_cells_in_leaf": 20,
                "forest_trees": 100,
                "forest_leaves": 1_000,
                "forest_min_cells": 50,
            },
            "choice": {"trials": trials, "inner_folds": 5},
        }
    )
    return model_spec(model, as_of=None, place_columns=place_columns(table))


def skill(law, seed):
    """ROC-AUC on groups never seen: searched, not searched, and the best of the others.

    Behind them is the 90 % interval of the first less the last, both on the same draws of groups.
    """
    table, fresh = world(law, seed, GROUPS), world(law, seed, FRESH)

    def told(made, name, spec):
        fitted = fit_pipeline(made[name](table), table, drawing=spec.drawing(BLOCK_M))
        p = fitted.predict_proba(fresh.cells)[:, 1]
        return roc_auc_score(fresh.state, p), p

    known = {}
    for trials in (5, 0):
        spec = searched(table, trials)
        made = makers(table.features, spec, families={}, block_m=BLOCK_M)
        known[trials] = told(made, ModelName.MODEL, spec)
    best = max((told(made, name, spec) for name in OTHERS), key=lambda found: found[0])
    _, low, high = compare(fresh.state, known[5][1], best[1], fresh.region, cell_ha=fresh.cell_ha)[
        "roc_auc"
    ]
    return known[5][0], known[0][0], best[0], low, high


def test_the_model_chosen_is_not_behind_the_best_baseline(record_validity):
    laws = [LAWS[seed % len(LAWS)] for seed in range(WORLDS)]
    found = np.array([skill(law, seed) for seed, law in enumerate(laws)])
    gap, before = found[:, 0] - found[:, 2], found[:, 1] - found[:, 2]
    error = gap.std(ddof=1) / np.sqrt(WORLDS)
    low, high = found[:, 3], found[:, 4]
    by_draw = norm.cdf(-0.05 / ((high - low) / (2 * norm.ppf(0.95))))
    passed = gap.mean() > -0.01 and (gap > -0.05).mean() >= 0.95
    rows = [
        {
            "law": law,
            "worlds": laws.count(law),
            "chosen": round(float(found[own, 0].mean()), 3),
            "not searched": round(float(found[own, 1].mean()), 3),
            "best other": round(float(found[own, 2].mean()), 3),
        }
        for law in LAWS
        for own in [np.array(laws) == law]
    ]
    record_validity(
        "choice",
        title="The model chosen is not behind the best of what it is held against",
        claim="Boosted trees, a forest, both and a linear model, chosen inside the training land, "
        "are together no worse than the better of the random forest and the logistic regression.",
        protocol=f"{WORLDS} SIMULATED tables of {GROUPS} groups of {ROWS} rows (seeds 0 to "
        f"{WORLDS - 1}, three laws by turns: a line, steps, and one that goes by a column of the "
        "group too), 6 columns of places and 6 constant within a group; ROC-AUC on "
        f"{FRESH} groups never seen. Model of 2 members, the default choice on 5 inner folds. The "
        "best of the others is the better of the two in each world, known only afterwards.",
        target="mean gap above -0.01, and above -0.05 in at least 95 % of worlds",
        measured=f"mean gap {gap.mean():+.3f} (standard error {error:.3f}); above -0.05 in "
        f"{(gap > -0.05).mean():.0%} of worlds",
        passed=bool(passed),
        words=f"Without the search the mean gap is {before.mean():+.3f}, and above -0.05 in "
        f"{(before > -0.05).mean():.0%} of worlds: on these tables the search brings nothing that "
        "can be told from noise, and more worlds that fall far behind. Why was not tested; that 16 "
        "groups are too few to tell kinds apart is one possible reason. Tried before, on other "
        "draws of such laws with 4 members of 300 trees (scratch runs): 3 inner folds, 4 worlds a "
        "law; 5 inner folds; and 5 with columns of the group left out only where that is better by "
        "a standard error, which is kept, 8 worlds of two laws. Where a column of the group is the "
        "law the mean gap was -0.042 with the first and -0.019 with the last: not the same worlds, "
        "and too few to rank the ways. The target and the rule were set before these 50 were run. "
        "What the draw of groups alone allows, looked at afterwards: behind by more than noise, "
        f"the 90 % interval from {FRESH} resampled groups below 0, is the chosen model in "
        f"{(high < 0).mean():.0%} of worlds, ahead in {(low > 0).mean():.0%}; a model as good as "
        "the best of the others would by these intervals lie 0.05 behind it in "
        f"{by_draw.mean():.1%} of worlds by chance.",
        table=rows,
    )
    assert gap.mean() > -0.02
    assert (gap > -0.05).mean() >= 0.85
