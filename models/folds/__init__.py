"""Folds that respect space and time: blocks, buffers, regions left out, kNNDM, later dates."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.models.folds.autocorrelation import Range, autocorrelation_range
    from minerisk.models.folds.blocks import (
        assign_blocks,
        assign_hexagons,
        assign_polygons,
        spread_blocks,
    )
    from minerisk.models.folds.facts import Fold
    from minerisk.models.folds.knndm import KNNDM, Match
    from minerisk.models.folds.regions import cluster_regions, join_thin_regions
    from minerisk.models.folds.splits import (
        BlockKFold,
        BufferedKFold,
        LeaveRegionOut,
        folds_from_ids,
        with_buffer,
    )
    from minerisk.models.folds.summary import fold_summary
    from minerisk.models.folds.target_points import prediction_points
    from minerisk.models.folds.time_folds import LeaveTimeOut, split_by_date
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "KNNDM",
    "BlockKFold",
    "BufferedKFold",
    "Fold",
    "LeaveRegionOut",
    "LeaveTimeOut",
    "Match",
    "Range",
    "assign_blocks",
    "assign_hexagons",
    "assign_polygons",
    "autocorrelation_range",
    "cluster_regions",
    "fold_summary",
    "folds_from_ids",
    "join_thin_regions",
    "prediction_points",
    "split_by_date",
    "spread_blocks",
    "with_buffer",
]
