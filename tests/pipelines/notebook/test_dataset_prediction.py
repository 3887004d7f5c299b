"""A Dataset is predicted as the rasters of a run are, in memory and in Dask's chunks."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

import minerisk
from minerisk.features.errors import InputError
from minerisk.pipelines.run.folder import Run


@pytest.fixture(scope="module")
def run(tiny_run: Path) -> Run:
    return Run.open(tiny_run)


def test_it_holds_the_numbers_of_the_rasters_dask_or_not(run: Run) -> None:
    cube, model = run.cube(), run.model()
    inside = cube["inside"].to_numpy() == 1
    risk = minerisk.predict_dataset(model, cube)
    lazy = minerisk.predict_dataset(model, cube.chunk({"y": 37, "x": 50}))
    assert all(lazy[name].chunks for name in lazy.data_vars)
    lazy = lazy.compute()
    assert set(risk.data_vars) > {"probability", "probability_upper", "area_of_applicability"}
    for name in risk.data_vars:
        with rasterio.open(run.folder / "rasters" / f"{name}.tif") as raster:
            stored = raster.read(1)
        np.testing.assert_array_equal(risk[name].to_numpy()[inside], stored[inside])
        np.testing.assert_array_equal(lazy[name].to_numpy(), risk[name].to_numpy())
        assert risk[name].attrs["long_name"]


def test_what_is_lacking_or_on_other_axes_is_named(run: Run) -> None:
    cube, model = run.cube(), run.model()
    name = model.features[0]
    with pytest.raises(InputError, match=name):
        minerisk.predict_dataset(model, cube.drop_vars(name))
    with pytest.raises(InputError, match="Select one time"):
        minerisk.predict_dataset(model, cube.expand_dims(time=2))
    with pytest.raises(InputError, match=r"\['y'\]"):
        minerisk.predict_dataset(model, cube.drop_vars("y"))
