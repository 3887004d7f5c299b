"""The one line that says how good a map is on land like that asked for."""

from collections.abc import Mapping

from minerisk.models.elsewhere.statement import LikeLand, TooFew
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.words import Message, marked

TOO_FEW: Mapping[TooFew, Message] = {
    TooFew.COVER: marked(
        "On land like this: nothing can be said of how good the map is. No land with a find was "
        "held out where as many lines are known."
    ),
    TooFew.REGIONS: marked(
        "On land like this: nothing can be said of how good the map is. Land where as many lines "
        "are known was held out in {regions:.1f} regions in effect; at least 4 are needed."
    ),
    TooFew.FINDS: marked(
        "On land like this: nothing can be said of how good the map is. Cells with a find that "
        "were held out on land where as many lines are known: {finds:count}; too few."
    ),
}
LIKE = marked(
    "On land like this: the 20 % of land put first held {top:share} of the finds ({top_range}), "
    "ROC-AUC {auc:.2f} ({auc_range}), and {ratio:.1f} were found for each one predicted "
    "({ratio_range}); 90 % intervals for one such piece of land. This rests on land held out "
    "where as many lines are known: {regions:.1f} regions in effect."
)


def like_line(found: LikeLand, texts: Texts = ENGLISH) -> str:
    """Say how good the map is on land like that asked for, or why that cannot be said."""
    auc, top, ratio = found.roc_auc, found.found_in_top_20, found.found_to_predicted
    if auc is None or top is None or ratio is None:
        why = found.too_few or TooFew.FINDS
        return texts.say(TOO_FEW[why], regions=found.regions, finds=found.finds)
    return texts.say(
        LIKE,
        top=top.value,
        top_range=texts.interval(top.low, top.high, "share"),
        auc=auc.value,
        auc_range=texts.interval(auc.low, auc.high),
        ratio=ratio.value,
        ratio_range=texts.interval(ratio.low, ratio.high, "amount"),
        regions=found.regions,
    )
