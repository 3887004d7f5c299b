"""What a report says of hazard classes."""

from collections.abc import Mapping
from typing import Any

from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.numbers import interval
from minerisk.pipelines.records.rasters import HazardComparison
from minerisk.pipelines.run.hazards import HAZARD_TITLES


def above_words(name: str, compared: HazardComparison, texts: Texts = ENGLISH) -> str:
    """Say where the probability of a class is above that of any hazard, and what to do there."""
    if not compared.above_any:
        return ""
    return texts.say(
        "{hazard}: in {share} % of the cells the probability is above that of any hazard by more "
        "than a tenth of it. The models are calibrated apart and neither is changed to fit: go by "
        "the higher of the two.",
        hazard=texts.say(HAZARD_TITLES[name]),
        share=f"{100 * compared.above_any:.1f}",
    )


def hazard_rows(metrics: Mapping[str, Any], texts: Texts = ENGLISH) -> list[dict[str, Any]]:
    """Word how good the model of each class is on far land, beside that of any hazard.

    Parameters
    ----------
    metrics
        Of a run; without ``hazards`` there are no rows.

    Returns
    -------
    list of dict
        ``hazard``, ``positive`` cells, ``own`` and ``any`` (ROC-AUC on far land with its interval)
        and ``words``: gates passed or not, or why there is no model.
    """
    rows = []
    for name, found in metrics.get("hazards", {}).items():
        own, other = found.get("far", {}), found.get("far_by_any", {})
        passed = texts.say("gates passed"), texts.say("does not pass every gate")
        words = passed[not found["gates_passed"]] if found["trained"] else found["words"]
        rows.append(
            {
                "hazard": texts.say(HAZARD_TITLES[name]),
                "positive": f"{found['positive']:,}",
                "own": interval(own.get("roc_auc"), to=texts.say("to")),
                "any": interval(other.get("roc_auc"), to=texts.say("to")),
                "words": texts.told(words),
            }
        )
    return rows
