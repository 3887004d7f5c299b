"""Plots of one's own folds, scores and maps: each takes ``ax=`` and returns the axes.

>>> import minerisk.plot
>>> axes = minerisk.plot.capture([0, 0, 1, 1], {"distance rule": [0.1, 0.6, 0.4, 0.9]})
>>> axes.get_xlabel()
'share of land surveyed'
"""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.pipelines.notebook.axes_plots import (
        capture,
        dissimilarity,
        folds,
        nearest_distances,
        reliability,
    )
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = ["capture", "dissimilarity", "folds", "nearest_distances", "reliability"]
