"""The probability of land that nobody surveyed, carried over from land that was searched.

Three kinds of classifier learn from searched land: boosted trees, trees split at random, and a
smooth surface. The first place their steps by the few findings there are, the last cannot follow an
edge. They err in different places, so that the mean of their log-odds is nearer to the truth than
any of them (docs/validity.md says by how much).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from minerisk.features.errors import InputError
from minerisk.models.estimators.estimators import LightGBMEnsemble

Array = NDArray[np.float64]

LEAST = 1e-5


def carry_over(
    X: ArrayLike,
    smooth: ArrayLike,
    found: ArrayLike,
    weights: ArrayLike,
    *,
    detection: float = 1.0,
    seed: int = 7,
) -> Array:
    """Estimate the probability that a cell holds something from searched land alone.

    Parameters
    ----------
    X
        Features for the boosted trees, shape ``(n, p)``, NaN allowed.
    smooth
        Features for the two others, shape ``(n, q)``, NaN allowed: the same, with distances on a
        log scale, without those that only tell places apart.
    found
        1 found, 0 searched and nothing found; anything on unsurveyed cells; shape ``(n,)``.
    weights
        `propensity.transport_weights`, shape ``(n,)``: above 0 on surveyed cells, 0 on
        others. Their square roots are used: whole weights take away more bias than they are worth
        in scatter.
    detection
        Chance that a survey finds what is there.
    seed
        Of the draws.

    Returns
    -------
    ndarray, shape (n,)
        On surveyed cells these are not held out.

    Raises
    ------
    InputError
        If surveyed land holds one class only, or `detection` is out of range.

    Notes
    -----
    Flattened weights: Shimodaira 2000, doi 10.1016/S0378-3758(00)00115-4.
    """
    weight = np.asarray(weights, dtype=np.float64)
    surveyed = weight > 0
    label = np.where(surveyed, np.asarray(found), 0).astype(np.int64)
    if len(np.unique(label[surveyed])) < 2 or not 0 < detection <= 1:
        raise InputError(
            f"Surveyed land holds {int(label.sum())} cells with findings among "
            f"{int(surveyed.sum())}, and detection is {detection}; expected some cells with and "
            "some without findings, and a detection above 0, up to 1."
        )
    used = np.sqrt(weight[surveyed])
    used /= used.mean()
    first, others = np.asarray(X, dtype=np.float64), np.asarray(smooth, dtype=np.float64)
    near, far, y = first[surveyed], others[surveyed], label[surveyed]
    trees = _random_trees(seed).fit(far, y, extratreesclassifier__sample_weight=used)
    surface = _smooth_surface(seed).fit(far, y, logisticregression__sample_weight=used)
    scores = [
        _boosted(seed).fit(near, y, sample_weight=used).predict_proba(first),
        trees.predict_proba(others),
        surface.predict_proba(others),
    ]
    log_odds = logit(np.clip(np.array(scores)[:, :, 1], LEAST, 1 - LEAST)).mean(axis=0)
    return np.minimum(np.asarray(expit(log_odds)) / detection, 1.0)


def _smooth_surface(seed: int) -> Pipeline:
    """Make a ridge-penalised logistic regression on radial functions of standardised columns.

    The functions are ``exp(-0.015 d**2)`` of the distance, in standard deviations, to 150 cells
    drawn by `seed` (Williams and Seeger 2001, Advances in Neural Information Processing Systems
    13).
    """
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        Nystroem(gamma=0.015, n_components=150, random_state=seed),
        LogisticRegression(C=10.0, max_iter=1_000),
    )


def _boosted(seed: int) -> LightGBMEnsemble:
    return LightGBMEnsemble(
        members=6,
        trees=120,
        learning_rate=0.03,
        leaves=16,
        min_cells_in_leaf=50,
        feature_share=1.0,
        row_share=0.4,
        seed=seed,
        threads=1,
    )


def _random_trees(seed: int) -> Pipeline:
    """Make extremely randomised trees (Geurts et al. 2006, doi 10.1007/s10994-006-6226-1)."""
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        ExtraTreesClassifier(60, min_samples_leaf=40, max_features=0.85, random_state=seed),
    )
