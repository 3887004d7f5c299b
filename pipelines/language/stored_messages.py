"""English that the stages of a run write into its files, as messages for `Texts.told`.

What the stages compute stays in one language, so that the same run gives the same bytes; a report
in another language knows these sentences again. A test puts the sentences of real runs to them.
"""

PROTOCOLS = (
    "regions left out whole, scores pooled: how the model does on land like none it saw",
    (
        "kNNDM folds, as far from training as the unsurveyed land is from the surveyed: how the "
        "model does on the land this map is for"
    ),
    "blocks wider than the autocorrelation range left out: how it does between surveys",
    (
        "blocks left out, taught on finds up to a date and tested on finds after it: how the "
        "model does on what nobody knew yet"
    ),
    "{words} (up to {day})",
    "far",
    "near",
)
GATES = (
    "enough positive cells",
    "labels dealt out anew within blocks cannot be predicted (ROC-AUC, distance from 0.5)",
    "better than prevalence on far land (average precision, low end of the difference)",
    "far calibration slope: its distance from 1 (also passed if its interval holds 1)",
    "share of the study area that the training data speak for",
)
WARNINGS = (
    "{column} has one value everywhere, or none: leave it out.",
    (
        "{column} is constant within every region, so that it can name the region: leave it out, "
        "or replace it by something that varies within."
    ),
    (
        "{column} has only {share} % of its variance within regions, so that it nearly names the "
        "region: compare the far score without it."
    ),
    (
        "{column} stays alike over {range} km, more than the block of {block} km, so that it can "
        "tell blocks apart by place: cap it, use larger blocks, or compare the far score without "
        "it."
    ),
    (
        "Blocks are {block} km and labels are alike over {range} km: scores on blocks flatter "
        "the model."
    ),
    "Ask for wider blocks.",
    "The area is too small for wider.",
)
READINGS = (
    "this run's map",
    "negative by search",
    "negative by search, weighted",
    "unsurveyed land as negative",
    "positive-unlabelled, prior {share}",
    "{reading} (lower end)",
    "{reading} (upper end)",
    (
        "A survey like those made would find something in about {share} of the unsurveyed cells "
        "(95 % interval {low} to {high}); {part} of that land is unlike any that was surveyed, "
        "and what is said of it is extrapolation."
    ),
)
LAYERS = (
    "roads",
    "settlements",
    "{kind} of {layer} is left out: {names} is optional and has no file",
    "No layer is at hand: {reason}",
    "{layer} is not on the map: {reason}",
)
MARKS = (
    "DRAFT: nobody has approved this run",
    "DRAFT: this run was looked at and not approved",
    "PUBLIC COPY: cells {times} times as wide, no findings",
    "{hazard} only",
    "Anti-personnel mines",
    "Anti-tank mines",
    "Unexploded ordnance",
)
"""What a pack says of itself, at the top of its report and its map."""
FAMILIES = ("past findings",)
"""The family that is no kind of feature; others are named as their kinds in `features.kinds`."""
STORED = frozenset(
    (
        *PROTOCOLS,
        *GATES,
        *WARNINGS,
        *READINGS,
        *LAYERS,
        *MARKS,
        *FAMILIES,
    )
)
