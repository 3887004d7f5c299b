"""From a Dataset of features to a Dataset of risk, in memory or chunk by chunk."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.models.risk_model import RiskModel
from minerisk.pipelines.predict.bands import (
    AREA,
    DERIVED,
    DISSIMILARITY,
    PREDICTED,
    SPEAKING,
    STORED,
    UNMASKED,
)
from minerisk.pipelines.predict.risk_classes import area_of_applicability
from minerisk.pipelines.predict.tiles import tile_bands

AXES = ("y", "x")


def predict_dataset(model: RiskModel, features: xr.Dataset) -> xr.Dataset:
    """Predict each cell of a grid.

    Parameters
    ----------
    model
        Such as ``Run.open(folder).model()``, or ``RiskClassifier(...).fit(X, y).model_``.
    features
        Every feature of the model on ``(y, x)``, with the coordinates ``y`` and ``x`` of cell
        centres, metres in the CRS the model was trained in; NaN where a feature has no value. In
        Dask's chunks it is predicted chunk by chunk, when it is computed.

    Returns
    -------
    Dataset
        float32 ``(y, x)``, named and with the values of the rasters of a run: ``probability``,
        ``probability_lower`` and ``probability_upper``, NaN where the model cannot say;
        ``probability_unmasked``, not to be ranked by; ``dissimilarity`` by its threshold,
        ``local_point_density``, ``expected_error``; and ``area_of_applicability`` uint8: 1 where
        it can, 0 where it cannot say, 255 where a cell has no feature.

    Raises
    ------
    InputError
        If a feature or coordinate is missing, or on other axes.

    Examples
    --------
    >>> import minerisk
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.uniform(0, 9_000, (400, 2)), columns=["easting", "northing"])
    >>> X["line_distance_m"] = X["easting"]
    >>> found = rng.random(400) < 0.6 * np.exp(-X["easting"] / 2_000)
    >>> model = minerisk.RiskClassifier(minerisk.LogisticEnsemble()).fit(X, found).model_
    >>> grid = xr.Dataset(
    ...     {"line_distance_m": (("y", "x"), [[100.0, 4_000.0, 90_000.0]])},
    ...     coords={"y": [50.0], "x": [100.0, 4_000.0, 90_000.0]},
    ... )
    >>> risk = predict_dataset(model, grid)
    >>> risk["area_of_applicability"].values, risk["probability"].notnull().values
    (array([[1, 1, 0]], dtype=uint8), array([[ True,  True, False]]))
    """
    read = _checked(model, features)
    northing, easting = xr.broadcast(features["y"], features["x"])
    names = [*STORED, AREA]
    found = xr.apply_ufunc(
        lambda *columns: _predict_block(model, names, columns),
        *(read[name] for name in model.features),
        easting.astype(np.float64),
        northing.astype(np.float64),
        output_core_dims=[[] for _ in names],
        dask="parallelized",
        output_dtypes=[np.uint8 if name == AREA else np.float32 for name in names],
    )
    risk = xr.Dataset(dict(zip(names, found, strict=True)), coords=features.coords)
    for name in names:
        band = DERIVED[name] if name == AREA else STORED[name][1]
        risk[name].attrs = {"long_name": band.description, "unit": band.unit, **band.tags}
    return risk.assign_attrs({k: v for k, v in features.attrs.items() if k == "crs"})


def _checked(model: RiskModel, features: xr.Dataset) -> xr.Dataset:
    missing = [name for name in model.features if name not in features.data_vars]
    missing += [axis for axis in AXES if axis not in features.coords]
    if missing:
        raise InputError(
            f"The Dataset lacks {missing}; expected the features {list(model.features)} and the "
            "coordinates y and x of cell centres. Build them with the features of the run."
        )
    wrong = [name for name in model.features if set(features[name].dims) != set(AXES)]
    if wrong:
        raise InputError(
            f"{wrong} lie on {[features[name].dims for name in wrong]}; expected the axes y and x. "
            "Select one time, band or level first."
        )
    return features[list(model.features)].transpose(*AXES)


def _predict_block(
    model: RiskModel, names: Sequence[str], columns: Sequence[NDArray[np.floating]]
) -> tuple[NDArray[np.float32] | NDArray[np.uint8], ...]:
    """Predict the cells of one block; the last two columns are easting and northing."""
    shape = np.broadcast_shapes(*(column.shape for column in columns))
    flat = [np.broadcast_to(column, shape).ravel() for column in columns]
    cells = pd.DataFrame(dict(zip([*model.features, "easting", "northing"], flat, strict=True)))
    bands = tile_bands(model, model.columns(cells))
    spoken = bands[DISSIMILARITY] <= 1
    masked = {
        name: np.where(spoken, bands[name], np.float32(np.nan)) if name in SPEAKING else bands[name]
        for name in PREDICTED
    }
    made = masked | {UNMASKED: bands[STORED[UNMASKED][0]]}
    made_area = {AREA: area_of_applicability(bands[DISSIMILARITY])}
    return tuple((made | made_area)[name].reshape(shape) for name in names)
