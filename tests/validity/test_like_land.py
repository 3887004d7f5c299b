"""What is said of land like a target holds where a line is missing and the survey preferred."""

import numpy as np
import pytest

from tests.validity.like_worlds import CELL_M, PIECES, REGIONS, SIDE, Outcome, outcome

pytestmark = pytest.mark.validity

WORLDS = 80


def measured(outcomes: list[Outcome]) -> dict[str, float]:
    """Bias of the statement and of kNNDM folds, their standard errors, and what intervals held."""
    errors = np.array(
        [[each.said.roc_auc.value - each.truth, each.near - each.truth] for each in outcomes]
    )
    doubt = errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
    auc = [each.said.roc_auc.low <= each.truth <= each.said.roc_auc.high for each in outcomes]
    ratio = [
        each.said.found_to_predicted.low <= each.ratio <= each.said.found_to_predicted.high
        for each in outcomes
    ]
    size = np.abs(errors).mean(axis=0)
    return {
        "worlds": len(errors), "bias": errors[:, 0].mean(), "bias_error": doubt[0],
        "knndm": errors[:, 1].mean(), "knndm_error": doubt[1], "size": size[0],
        "knndm_size": size[1], "auc_held": np.mean(auc), "ratio_held": np.mean(ratio),
        "width": np.mean([each.said.roc_auc.high - each.said.roc_auc.low for each in outcomes]),
    }  # fmt: skip


def result(outcomes: list[Outcome], *, asked: int) -> dict[str, object]:
    """Return the entry of docs/validity.md."""
    told = [each for each in outcomes if each.said.too_few is None]
    m = measured(told)
    small = abs(m["bias"]) <= abs(m["knndm"]) / 3
    sure = m["bias_error"] < abs(m["knndm"]) / 6
    return {
        "title": "On land like this: where a line is missing and the survey was preferred",
        "claim": "The statement for a target area has a bias of at most a third of kNNDM's, and "
        "its 90 % interval holds the truth in 85 to 97 % of worlds.",
        "protocol": f"{asked} SIMULATED worlds (seeds 0 on) of {SIDE} x {SIDE} cells of "
        f"{CELL_M:g} m: lines all over the land, known in the east only; of "
        f"{PIECES} pieces 55 % are surveyed, those near towns and in the east first; boosted "
        f"trees; {REGIONS} regions by k-means left out whole. Target: two neighbouring "
        "unsurveyed pieces in the west. Truth: ROC-AUC of the final model on all cells of the "
        "target. kNNDM: pooled ROC-AUC of 5 folds matched to the unsurveyed land. Choices were "
        "made on seeds 1000 to 1015.",
        "target": "bias at most a third of kNNDM's, its standard error below a sixth of it; the "
        "interval holds the truth in 0.85 to 0.97 of worlds",
        "measured": f"bias {m['bias']:+.3f} (standard error {m['bias_error']:.3f}) against "
        f"{m['knndm']:+.3f} ({m['knndm_error']:.3f}); mean absolute error {m['size']:.3f} against "
        f"{m['knndm_size']:.3f}; ROC-AUC held in {m['auc_held']:.2f} of {m['worlds']} worlds, "
        f"finds to predicted in {m['ratio_held']:.2f}",
        "passed": bool(small and sure and 0.85 <= m["auc_held"] <= 0.97),
        "words": f"In {len(outcomes) - len(told)} of {len(outcomes)} worlds too few regions were "
        "held out without the line, and nothing was said. The interval of ROC-AUC is "
        f"{m['width']:.2f} wide on average: between regions of a few dozen finds much "
        "differs, and there are few of them. "
        "Tried on the worlds of other seeds: blocks drawn anew within regions drawn anew (wider); "
        "pooled scores, far or kNNDM's (bias -0.05 to -0.07: the model that did not see a region "
        "with many finds scores it too low; finds are therefore held against cells of their own "
        "region); kNNDM's scores of the same cover within regions (as good as the far ones). First "
        "run on seeds 0 to 39 and 100 to 139 (bias -0.011 against +0.083, held in 0.95 "
        "of 73).",
        "table": [
            {"estimate": name, "bias": round(b, 4), "standard_error": round(d, 4),
             "mean_absolute_error": round(s, 4)}
            for name, b, d, s in (
                ("like land", m["bias"], m["bias_error"], m["size"]),
                ("kNNDM", m["knndm"], m["knndm_error"], m["knndm_size"]),
            )
        ],
    }  # fmt: skip


SLOPES = (0.85, 1.15)
LIKE = (
    f"{WORLDS} SIMULATED worlds (seeds 0 to {WORLDS - 1}) as for the statement on land like this. "
    "Held against all unsurveyed land that lacks the line, not the target alone, whose few dozen "
    "finds tell no slope. "
)


def slopes_result(outcomes: list[Outcome]) -> dict[str, object]:
    """Return the entry of docs/validity.md on the slope."""
    carried = [each.carried for each in outcomes]
    by = {
        name: np.array([getattr(each, name) for each in carried])
        for name in ("slope", "slope_of_chance", "slope_of_law")
    }
    share = {
        name: float(np.mean((found >= SLOPES[0]) & (found <= SLOPES[1])))
        for name, found in by.items()
    }
    finds = np.median([each.finds for each in carried])
    return {
        "title": "On land like this: the slope of the calibration",
        "claim": "Calibration carried to land that lacks the line has its slope within 0.85 to "
        "1.15 in at least 80 % of worlds.",
        "protocol": LIKE + "Scores are calibrated as a run does (minerisk.models.calibration."
        "cross_calibration.fit_kind on regions left out, the kind chosen there); slope of the "
        f"probabilities on that land, {finds:.0f} finds in the median world. Choices were made on "
        "seeds 2000 to 2059.",
        "target": f">= 0.80 of {len(carried)} worlds",
        "measured": f"{share['slope']:.2f} of {len(carried)} worlds; slope "
        f"{by['slope'].mean():.2f} ({by['slope'].min():.2f} to {by['slope'].max():.2f})",
        "passed": share["slope"] >= 0.8,
        "words": "Against the true probabilities instead of one draw of finds: "
        f"{share['slope_of_chance']:.2f} of worlds. What is known of this land does not allow it: "
        "a score with the law's own coefficients of every column known there has its "
        f"slope within the limits in {share['slope_of_law']:.2f} of worlds "
        f"({by['slope_of_law'].min():.2f} to {by['slope_of_law'].max():.2f}), since what is not "
        "known there, the line and a hidden field, is by chance alike or opposed to what is, over "
        "all of the land at once. Nor does held-out land tell the slope: over the 60 worlds that "
        "choices were made on, the slope of the scores there and that on held-out land without the "
        "line correlate by -0.08, within regions by 0.17. Tried on those, against the true "
        "probabilities, where the calibration of a run is within the limits in 0.38: a curve from "
        "held-out land without the line alone (0.13 of 15 worlds: as a rule far too flat), an "
        "intercept of its own (0.38), and its slope drawn towards that of all land by its "
        "uncertainty (0.42, mean slope 0.98 instead of 0.85, but scattered more). Logistic "
        "regressions on what is known everywhere: 0.42 taught on all land, 0.27 on land without "
        "the line. The curve of a run stays as it is. What can be promised there is how far "
        "probabilities may be off: see the interval.",
        "figure": {
            "x": by["slope_of_law"].round(4).tolist(),
            "y": by["slope_of_chance"].round(4).tolist(),
            "xlabel": "slope of what is known by the law",
            "ylabel": "slope of the calibration carried there",
            "kind": "points",
            "reference": 1.0,
        },
    }


def interval_result(outcomes: list[Outcome], seeds: list[int]) -> dict[str, object]:
    """Return the entry of docs/validity.md on groups of cells."""
    carried = [each.carried for each in outcomes]
    groups = np.array([each.groups for each in carried])
    like, whole = (
        np.array([getattr(each, name) for each in carried]) for name in ("cover_of_like", "cover")
    )
    cover = {name: float(np.average(each, weights=groups)) for name, each in
             (("like", like), ("whole", whole))}  # fmt: skip
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(groups), (2_000, len(groups)))
    means = (like * groups)[drawn].sum(axis=1) / groups[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {
        "title": "On land like this: the interval of groups of cells",
        "claim": "The 90 % interval, with chance variation around it, holds what is found in "
        "groups of cells of land that lacks the line 85 to 96 % of the time.",
        "protocol": LIKE + "Groups of cells, blocks of 5 km and cover as for blocks held out; one "
        "model, so that an ensemble's spread plays no part. The interval is learned, as a run "
        "does, on held-out land without the line. Choices were made on seeds 2000 to 2059.",
        "target": "0.85 to 0.96",
        "measured": f"{cover['like']:.3f} (95 % interval over worlds {low:.3f} to {high:.3f}; "
        f"{groups.sum()} groups of {len(carried)} worlds)",
        "passed": 0.85 <= cover["like"] <= 0.96,
        "words": f"An interval learned on all held-out land covers {cover['whole']:.3f} there: "
        "where the line is not known blocks differ more from the model. In single worlds the cover "
        f"lies within 0.85 to 0.96 in {np.mean((like >= 0.85) & (like <= 0.96)):.2f} of them "
        f"({np.mean((whole >= 0.85) & (whole <= 0.96)):.2f} with that of all land).",
        "table": [
            {
                "world": seed,
                "finds": each.finds,
                "slope": round(each.slope, 3),
                "slope by true probability": round(each.slope_of_chance, 3),
                "slope of the law": round(each.slope_of_law, 3),
                "groups": each.groups,
                "cover": round(each.cover_of_like, 3),
                "cover by all land": round(each.cover, 3),
            }
            for seed, each in zip(seeds, carried, strict=True)
        ],
    }


def test_the_statement_holds_where_a_line_is_missing(record_validity) -> None:
    asked = {seed: each for seed in range(WORLDS) if (each := outcome(seed)) is not None}
    found, seeds = list(asked.values()), list(asked)
    what = result(found, asked=WORLDS)
    record_validity("like_land", **what)
    record_validity("like_land_slope", **slopes_result(found))
    record_validity("like_land_interval", **interval_result(found, seeds))
    told = measured([each for each in found if each.said.too_few is None])
    assert abs(told["bias"]) <= abs(told["knndm"]) / 3
    assert told["auc_held"] >= 0.85
    assert interval_result(found, seeds)["passed"]
