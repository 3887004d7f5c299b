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
CAPTURE = (
    "tasks, as chosen here",
    "highest cells, one by one (no task around them)",
    "cells nearest to the line",
    "cells nearest to a find of another region",
    "Against {rule}: {found}.",
    "tasks find more at {shares} of land",
    "tasks find less at {shares} of land",
    "no difference is shown at {shares} of land",
    "Not measured: the run kept no scores of regions left out.",
)
WHY = (
    (
        "Mean probability of contamination of a cell {mean} (interval {low} to {high}); the "
        "model can speak for {share} of the task."
    ),
    "Its place is luck: within the interval it may rank anywhere from {low} to {high}.",
    "Within the interval it ranks {low} to {high}.",
    (
        "Survey to learn: the model cannot say here, for no surveyed land is like it "
        "(dissimilarity {value}, limit 1)."
    ),
    (
        "Drawn blind from all land that may be tasked, as a check of the map; the model had no "
        "part in it."
    ),
    "It can speak for {share} of the task.",
    "Raised most by {families}.",
    "Lowered most by {families}.",
    "Nearest evidence: find {name} of {layer}, date {date}, {metres} m away.",
    "Nearest evidence: accident {name} of {layer}, date {date}, {metres} m away.",
    "Nearest evidence: confirmed area {name} of {layer}, date {date}, {metres} m away.",
    "Nearest evidence: suspected area {name} of {layer}, date {date}, {metres} m away.",
    "Nearest evidence: area worked on since {name} of {layer}, date {date}, {metres} m away.",
    "row {number}",
    "not recorded",
    "Missing: {parts}.",
    "values of {columns} in part of this task",
    "past findings: how near they are, and how many",
    "distance to the nearest of {layer}, at most {metres} m",
    "number of {layer} within {metres} m",
)
TASK_LAND = (
    "no bases: travel is not counted",
    "no layer of roads to cut tasks by",
    "no layer of rivers to cut tasks by",
    "no layer of rivers or roads to cut tasks by",
    "no slope in the cube: effort is that of level ground",
    "criterion {name} ({words}): no layer",
    "threat to life and casualty rate",
    "socio-economic need",
    "resettlement of displaced people",
    "funded and ready reconstruction",
    "food security by land type",
    "other",
    "accident buffer",
    "registered area",
    "open task",
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
        *CAPTURE,
        *WHY,
        *TASK_LAND,
        *LAYERS,
        *MARKS,
        *FAMILIES,
    )
)
