"""What a job needs, imported and begun before its process is forked.

The process that jobs are forked from can only be told to import modules. What numba and Matplotlib
make ready at their first use is therefore made ready here, at import: each job would do it again.
"""

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

import minerisk.models.calibration.logistic_kernel
import minerisk.models.estimators.past_findings
import minerisk.models.risk_model
import minerisk.pipelines.evaluate.like_land
import minerisk.pipelines.predict.predict
import minerisk.pipelines.request.pack  # noqa: F401
from minerisk.models.estimators.near_findings import in_buckets, nearest_distances
from minerisk.pipelines.plotting.figures import figure_bytes
from minerisk.pipelines.plotting.map_figure import map_figure

_PLACE = np.zeros((1, 2))
_SQUARE = GeoBox((2, 2), Affine(1_000.0, 0, 0, 0, -1_000.0, 0), "EPSG:3857")

nearest_distances(_PLACE, in_buckets(_PLACE), neighbours=(1,), cap=1.0)
figure_bytes(map_figure(np.zeros((2, 2), np.uint8), _SQUARE, title="", marks=[]))
