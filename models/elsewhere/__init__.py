"""Land that a model was not trained for: how unlike it is, and what may be said of it."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.models.elsewhere.feature_shift import FeatureShift
    from minerisk.models.elsewhere.finds_there import InterceptThere, intercept_there
    from minerisk.models.elsewhere.transferred import TransferredModel, TransferredScore
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "FeatureShift",
    "InterceptThere",
    "TransferredModel",
    "TransferredScore",
    "intercept_there",
]
