"""Plots draw the numbers that they are given, on the axes that they are given."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib import pyplot as plt

import minerisk.plot
from minerisk.features.errors import InputError
from minerisk.models.folds.splits import folds_from_ids

mpl.use("Agg")
PLACES = pd.DataFrame({"easting": np.arange(8) * 1_000.0, "northing": np.zeros(8)})
HALVES = folds_from_ids([0, 0, 0, 0, 1, 1, 1, 1])


def test_folds_are_drawn_where_they_test() -> None:
    figure, given = plt.subplots()
    axes = minerisk.plot.folds(HALVES, PLACES, ax=given)
    assert axes is given
    drawn = [each.get_offsets()[:, 0].tolist() for each in axes.collections]
    assert drawn == [[0, 1_000, 2_000, 3_000], [4_000, 5_000, 6_000, 7_000]]
    plt.close(figure)


def test_distances_of_folds_stand_beside_those_of_the_land() -> None:
    axes = minerisk.plot.nearest_distances(
        {"halves": HALVES}, PLACES, target=[[9_000, 0], [17_000, 0]]
    )
    land, halves = (line.get_xdata() for line in axes.get_lines())
    assert sorted(set(land) - {-np.inf}) == [2, 10]
    assert sorted(set(halves) - {-np.inf}) == [1, 2, 3, 4]
    plt.close(axes.figure)


def test_reliability_and_capture_are_those_of_the_measures() -> None:
    y, p = np.repeat([0, 1, 0, 1], [80, 20, 40, 60]), np.repeat([0.2, 0.6], 100)
    axes = minerisk.plot.reliability(y, p, bins=2)
    line = axes.get_lines()[1]
    np.testing.assert_allclose(line.get_xdata(), [0.2, 0.6])
    np.testing.assert_allclose(line.get_ydata(), [0.2, 0.6])
    plt.close(axes.figure)
    axes = minerisk.plot.capture(y, {"model": p, "rule": -p})
    best = axes.get_lines()[1]
    assert best.get_ydata()[50] == pytest.approx(60 / 80)
    plt.close(axes.figure)


def test_dissimilarity_is_grey_beyond_its_threshold() -> None:
    values = np.array([[0.0, 0.5], [1.5, np.nan]], dtype=np.float32)
    risk = xr.Dataset(
        {"dissimilarity": (("y", "x"), values)}, coords={"y": [150.0, 50.0], "x": [50.0, 150.0]}
    )
    axes = minerisk.plot.dissimilarity(risk)
    red, green, blue, _ = axes.collections[0].to_rgba(1.5)
    assert red == green == blue
    plt.close(axes.figure)
    with pytest.raises(InputError, match="expected dissimilarity"):
        minerisk.plot.dissimilarity(risk.drop_vars("dissimilarity"))
