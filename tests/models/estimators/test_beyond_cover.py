"""A model does without a layer where the layer says nothing, once it has been taught to."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from minerisk.features.coverage import EDGE_M
from minerisk.features.errors import InputError
from minerisk.models.estimators import LightGBMEnsemble
from minerisk.models.estimators.members import BlendedMembers

COLUMNS = ["line_m", "hill", EDGE_M]


def land(seed: int, *, silent: bool) -> tuple[pd.DataFrame, np.ndarray]:
    """Make land where a line decides and hills tell a little; beyond the sheet it is as there.

    Rows of the first kind are covered; what is not covered by them is quiet land.
    """
    rng = np.random.default_rng(seed)
    line, hill = rng.uniform(0, 1, 4_000), rng.uniform(0, 1, 4_000)
    odds = 6.0 * (line < 0.2) + 6.0 * hill - 6.0
    y = (rng.uniform(size=4_000) < 1 / (1 + np.exp(-odds))).astype(int)
    edge = np.full(4_000, -9_000.0 if silent else 9_000.0)
    cells = pd.DataFrame({"line_m": np.nan if silent else line, "hill": hill, EDGE_M: edge})
    return cells, y


def model(way: str) -> LightGBMEnsemble:
    return LightGBMEnsemble(
        members=2,
        trees=40,
        learning_rate=0.1,
        min_cells_in_leaf=20,
        feature_share=1.0,
        covered=("line_m",),
        beyond_cover=way,
    )


def quiet(cells: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Land beyond the sheet without a find, which is all that training holds of such land."""
    return cells.head(1_000), np.zeros(1_000, dtype=int)


@pytest.fixture(scope="module")
def taught() -> dict[str, LightGBMEnsemble]:
    inside, found = land(1, silent=False)
    beyond, nothing = quiet(land(2, silent=True)[0])
    cells, y = pd.concat([inside, beyond]), np.concatenate([found, nothing])
    return {way: model(way).fit(cells[COLUMNS], y) for way in ("nodata", "twice", "blend")}


def skill(fitted: LightGBMEnsemble, *, silent: bool) -> tuple[float, float]:
    cells, y = land(3, silent=silent)
    p = fitted.predict_proba(cells[COLUMNS])[:, 1]
    return roc_auc_score(y, p), float(p.mean() / y.mean())


@pytest.mark.parametrize("way", ["twice", "blend"])
def test_beyond_the_cover_it_speaks_of_what_it_knows_without_the_layer(
    taught: dict[str, LightGBMEnsemble], way: str
) -> None:
    # Missing values alone have taught that land beyond the sheet is quiet.
    _, share = skill(taught["nodata"], silent=True)
    auc, taught_share = skill(taught[way], silent=True)
    assert share < 0.1 < 0.5 < taught_share
    assert auc > 0.6


def test_where_the_layer_speaks_nothing_is_lost(taught: dict[str, LightGBMEnsemble]) -> None:
    skills = {way: skill(fitted, silent=False)[0] for way, fitted in taught.items()}
    assert min(skills.values()) > max(skills.values()) - 0.01


def test_two_models_meet_half_way_at_the_edge_and_no_tree_knows_it(
    taught: dict[str, LightGBMEnsemble],
) -> None:
    blended = taught["blend"]
    cells, _ = land(4, silent=False)
    known, edge, silent = (
        blended.member_log_odds(cells.assign(**{EDGE_M: metres})[COLUMNS])
        for metres in (1e6, 0.0, -1e6)
    )
    np.testing.assert_allclose(edge, (known + silent) / 2)
    assert isinstance(blended.members_, BlendedMembers)
    assert blended.members_.importance()[COLUMNS.index(EDGE_M)] == 0
    # Beyond it, what the line is makes no difference.
    elsewhere = cells.assign(line_m=0.0, **{EDGE_M: -1e6})
    np.testing.assert_array_equal(blended.member_log_odds(elsewhere[COLUMNS]), silent)


def test_without_the_distance_to_the_edge_nothing_is_blended() -> None:
    cells, y = land(1, silent=False)
    with pytest.raises(InputError, match=EDGE_M):
        model("blend").fit(cells[["line_m", "hill"]], y)
