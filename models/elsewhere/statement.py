"""What is said of land like a target, as a record made by `like_land`."""

from dataclasses import dataclass
from enum import StrEnum

from minerisk.models.estimate import Estimate


class TooFew(StrEnum):
    """Why nothing is said."""

    COVER = "cover"
    REGIONS = "regions"
    FINDS = "finds"


@dataclass(frozen=True)
class LikeLand:
    """How good the map is on land like the target; 90 % intervals for one such piece of land.

    Attributes
    ----------
    regions
        How many regions stand behind it, in effect: of equal size they count whole, a region with
        most of the land or most of the finds counts nearly alone.
    cells, finds
        Held-out cells of the same cover, and those with a find.
    as_large_as
        Regions that the target is as large as: the more, the narrower.
    roc_auc, found_in_top_20
        On land of that size.
    found_to_predicted
        Finds to the sum of the probabilities: above 1 too little is predicted.
    too_few
        Why there are no numbers; none where there are.
    """

    regions: float
    cells: int
    finds: int
    as_large_as: float
    roc_auc: Estimate | None = None
    found_in_top_20: Estimate | None = None
    found_to_predicted: Estimate | None = None
    too_few: TooFew | None = None
