"""Dissimilarity against hand counts, its threshold, and novelty that is flagged."""

import numpy as np
import pandas as pd
import pytest

from minerisk.features.errors import InputError
from minerisk.models.applicability import area_of_applicability
from minerisk.models.applicability.area_of_applicability import Applicability, upper_whisker


def table(rows, names=("a", "b")):
    return pd.DataFrame(np.asarray(rows, dtype=np.float32), columns=list(names))


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    X = table(rng.normal(size=(4_000, 3)) * [1, 50, 0.01], names=("slope", "height", "noise"))
    importance = {"slope": 3.0, "height": 1.0, "noise": 0.0}
    return Applicability.fit(X, importance, rng.integers(0, 5, 4_000), seed=1, max_points=1_000), X


def test_four_points_by_hand():
    X = table([[0, 0], [2, 0], [4, 0], [6, 0]])
    X["b"] = np.float32([1, 1, 3, 3])
    area = Applicability.fit(X, {"a": 1.0, "b": 1.0}, [0, 1, 0, 1])
    sd = X.std(ddof=1).to_numpy()
    points = X.to_numpy() / sd
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    mean = apart[np.triu_indices(4, 1)].mean()
    # nearest point of the other fold: 0-1, 1-0, 2-3, 3-2
    nearest = np.array([apart[0, 1], apart[1, 0], apart[2, 3], apart[3, 2]])
    np.testing.assert_allclose(area.training_dissimilarity, np.sort(nearest / mean), rtol=1e-6)
    new = table([[8, 3]])
    expected = np.linalg.norm(new.to_numpy()[0] / sd - points[3]) / mean
    assert area.dissimilarity(new)[0] == pytest.approx(expected, rel=1e-6)
    assert not area.applicable(area.dissimilarity(table([[60, 3]])))[0]


def test_the_dissimilarity_of_a_training_point_is_zero(fitted):
    area, _ = fitted
    back = area.reference[:50] / area.weight * area.scale + area.centre
    di = area.dissimilarity(pd.DataFrame(back, columns=list(area.features)))
    np.testing.assert_allclose(di, 0.0, atol=1e-6)


def test_only_features_with_importance_count(fitted):
    area, X = fitted
    assert area.features == ("slope", "height")
    np.testing.assert_array_equal(area.dissimilarity(X), area.dissimilarity(X.assign(noise=np.nan)))


def test_units_do_not_count(fitted):
    area, X = fitted
    fold = np.random.default_rng(0).integers(0, 5, len(X))
    importance = {"slope": 1.0, "height": 2.0}
    metres = Applicability.fit(X, importance, fold, max_points=500)
    other = Applicability.fit(
        X * np.float32(1_000), {name: 7 * value for name, value in importance.items()},
        fold, max_points=500,
    )  # fmt: skip
    assert other.threshold == pytest.approx(metres.threshold, rel=1e-5)


def test_an_important_feature_counts_for_more(fitted):
    area, X = fitted
    middle = X[["slope", "height"]].mean()
    step = area.scale * 8
    along_slope = area.dissimilarity(pd.DataFrame([middle + [step[0], 0]]))[0]
    along_height = area.dissimilarity(pd.DataFrame([middle + [0, step[1]]]))[0]
    assert along_slope > 2 * along_height


def test_land_like_training_is_in_and_a_new_landscape_is_out(fitted):
    area, X = fitted
    rng = np.random.default_rng(9)
    alike = table(rng.normal(size=(3_000, 3)) * [1, 50, 0.01], names=X.columns)
    assert area.applicable(area.dissimilarity(alike)).mean() > 0.9
    new = alike + np.array([9.0, 0.0, 0.0], dtype=np.float32)
    assert area.applicable(area.dissimilarity(new)).mean() < 0.02


def test_nodata_is_never_applicable(fitted):
    area, X = fitted
    gaps = X.head(3).copy()
    gaps.loc[0, "slope"] = np.nan
    gaps.loc[1, "height"] = np.inf
    di = area.dissimilarity(gaps)
    assert np.isnan(di).tolist() == [True, True, False]
    assert area.applicable(di).tolist() == [False, False, True]


def test_folds_of_neighbours_give_a_wider_area_than_random_folds():
    rng = np.random.default_rng(1)
    place = rng.integers(0, 20, 2_000)
    X = table(rng.normal(size=(20, 2))[place] * 3 + rng.normal(size=(2_000, 2)) * 0.05)
    spatial = Applicability.fit(X, {"a": 1, "b": 1}, place % 5)
    random = Applicability.fit(X, {"a": 1, "b": 1}, rng.integers(0, 5, 2_000))
    assert spatial.threshold > 3 * random.threshold


def test_batches_threads_and_files_change_no_bit(fitted):
    area, X = fitted
    whole = area.dissimilarity(X)
    parts = [area.dissimilarity(X.iloc[start : start + 701]) for start in range(0, len(X), 701)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(area.dissimilarity(X, workers=1), whole)
    columns = {name: np.atleast_2d(array.T).T for name, array in area.to_arrays().items()}
    again = Applicability.from_arrays(columns)
    np.testing.assert_array_equal(again.dissimilarity(X), whole)
    assert again.threshold == area.threshold
    assert all(array.dtype.kind in "fU" for array in area.to_arrays().values())


def test_rows_read_a_few_at_a_time_teach_the_same_to_the_bit(monkeypatch):
    rng = np.random.default_rng(5)
    X = table(rng.normal(3.0, 2.0, (400, 3)), names=("a", "b", "c"))
    X.loc[::7, "b"], X.loc[::11, "c"] = np.nan, np.nan
    folds = rng.integers(-1, 4, 400)

    def taught():
        found = Applicability.fit(X, {"a": 1, "b": 2, "c": 3}, folds, may_lack=("c",))
        return {name: array.tobytes() for name, array in found.to_arrays().items()}

    whole = taught()
    monkeypatch.setattr(area_of_applicability, "_CHUNK_ROWS", 7)
    assert taught() == whole
    complete = X[X["b"].notna()].astype(np.float64)
    scaling = Applicability.fit(X, {"a": 1, "b": 2, "c": 3}, folds, may_lack=("c",))
    np.testing.assert_allclose(scaling.centre, complete.mean(), rtol=1e-12)
    np.testing.assert_allclose(scaling.scale, complete.std(), rtol=1e-12)


def test_training_points_are_drawn_by_seed(fitted):
    area, X = fitted
    importance, fold = {"slope": 3.0, "height": 1.0}, np.arange(len(X)) % 5
    one = Applicability.fit(X, importance, fold, seed=4, max_points=300)
    two = Applicability.fit(X, importance, fold, seed=4, max_points=300)
    other = Applicability.fit(X, importance, fold, seed=5, max_points=300)
    assert one.reference.shape == (300, 2)
    np.testing.assert_array_equal(one.reference, two.reference)
    assert (one.reference != other.reference).any()


def test_the_whisker_by_hand():
    assert upper_whisker([1, 2, 3, 4, 100]) == 4 + 1.5 * 2
    assert upper_whisker([1, 2, 3, 4, 5]) == 5


def test_a_threshold_can_be_divided_by_where_most_training_points_have_their_like_elsewhere():
    assert upper_whisker([0.0] * 90 + [1, 2, 3, 4, 5]) == 5
    assert upper_whisker([0.0] * 90) > 0
    # Distances counted in cells: hardly any that another fold does not have, too.
    cells = np.concatenate([np.repeat(np.arange(40) * 250.0, 20), [10_100.0, 10_200.0]])
    X = pd.DataFrame({"front_m": cells})
    area = Applicability.fit(X, {"front_m": 1.0}, np.arange(len(X)) % 4)
    assert np.quantile(area.training_dissimilarity, 0.75) == 0
    new = pd.DataFrame({"front_m": [250.0, 300.0, 10_300.0, 50_000.0]})
    assert area.applicable(area.dissimilarity(new)).tolist() == [True, True, True, False]


def test_what_cannot_be_fitted_is_refused():
    X = table([[0, 1], [1, 1], [2, 1]])
    with pytest.raises(InputError, match="importance above zero"):
        Applicability.fit(X, {"a": 0.0, "b": -1.0}, [0, 1, 0])
    with pytest.raises(InputError, match="varies"):
        Applicability.fit(X, {"b": 1.0}, [0, 1, 0])
    with pytest.raises(InputError, match="at least two"):
        Applicability.fit(X, {"a": 1.0}, [0, 0, 0])
    with pytest.raises(InputError, match="lack"):
        Applicability.fit(X, {"c": 1.0}, [0, 1, 0])
    with pytest.raises(InputError, match="lack"):
        Applicability.fit(X, {"a": 1.0}, [0, 1, 0]).dissimilarity(X[["b"]])


def test_a_damaged_file_is_refused(fitted):
    area, _ = fitted
    arrays = area.to_arrays()
    with pytest.raises(InputError, match="lacks"):
        Applicability.from_arrays({"features": arrays["features"]})
    with pytest.raises(InputError, match="do not fit"):
        Applicability.from_arrays(arrays | {"reference": np.zeros((5, 9))})


def test_density_counts_the_training_points_within_the_threshold(fitted):
    area, X = fitted
    found = area.novelty(X.head(200))
    points = (X[list(area.features)].head(200) - area.centre) / area.scale * area.weight
    apart = np.linalg.norm(points.to_numpy()[:, None] - area.reference[None], axis=2)
    near = (apart / area.mean_distance <= area.threshold).sum(axis=1)
    np.testing.assert_array_equal(found.density, near)
    np.testing.assert_array_equal(found.dissimilarity, area.dissimilarity(X.head(200)))
    assert ((found.density > 0) == area.applicable(found.dissimilarity)).all()


def test_a_held_out_row_is_measured_against_other_folds_only():
    X = table([[0, 0], [2, 0], [4, 0], [6, 0]])
    X["b"] = np.float32([1, 1, 3, 3])
    folds = np.array([0, 1, 0, 1])
    area = Applicability.fit(X, {"a": 1.0, "b": 1.0}, folds)
    held = area.held_out_novelty(X, folds)
    np.testing.assert_allclose(np.sort(held.dissimilarity), area.training_dissimilarity, rtol=1e-6)
    assert area.novelty(X).dissimilarity.max() < 1e-6
    assert np.isnan(area.held_out_novelty(X, folds - 1).density[folds == 0]).all()


def test_training_points_are_known_by_other_folds_as_if_fitted_on_them():
    rng = np.random.default_rng(4)
    X = table(rng.normal(size=(60, 2)))
    X.loc[::7, "a"] = np.nan
    blocks, regions = np.arange(60) % 4, np.arange(60) // 20
    area = Applicability.fit(X, {"a": 1.0, "b": 2.0}, blocks, max_points=30)
    again = Applicability.fit(X, {"a": 1.0, "b": 2.0}, regions, max_points=30)
    known = area.known_by(regions)
    np.testing.assert_array_equal(known.reference_fold, again.reference_fold)
    assert known.threshold == area.threshold
    with pytest.raises(InputError, match="at least two"):
        area.known_by(np.zeros(60))
    with pytest.raises(InputError, match="was read from files"):
        Applicability.from_arrays(area.to_arrays()).known_by(regions)


def test_land_that_a_layer_says_nothing_of_is_like_other_such_land():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"slope": rng.normal(size=400), "line_m": rng.normal(size=400)})
    X.loc[:99, "line_m"] = np.nan
    folds = np.arange(400) % 4
    importance = {"slope": 1.0, "line_m": 1.0}
    strict = Applicability.fit(X, importance, folds)
    known = Applicability.fit(X, importance, folds, may_lack=["line_m"])
    new = pd.DataFrame({"slope": [0.0, 30.0, 0.0], "line_m": [np.nan, np.nan, 0.0]})
    assert strict.applicable(strict.dissimilarity(new)).tolist() == [False, False, True]
    assert known.applicable(known.dissimilarity(new)).tolist() == [True, False, True]
    again = Applicability.from_arrays(known.to_arrays())
    np.testing.assert_array_equal(again.dissimilarity(new), known.dissimilarity(new))
    # Where training never lacked the layer, land without it is unlike all training.
    everywhere = Applicability.fit(X.loc[100:], importance, folds[100:], may_lack=["line_m"])
    assert not everywhere.applicable(everywhere.dissimilarity(new))[0]
    # A feature that may not be missing still may not.
    new.loc[0, "slope"] = np.nan
    assert np.isnan(known.dissimilarity(new)[0])
