"""English that the stages of a run write into its files, as messages for `Texts.told`.

What the stages compute stays in one language, so that the same run gives the same bytes; a report
in another language knows these sentences again. A test puts the sentences of real runs to them.
"""

from pipelines.texts import marked

PROTOCOLS = (
    marked("regions left out whole, scores pooled: how the model does on land like none it saw"),
    marked(
        "kNNDM folds, as far from training as the unsurveyed land is from the surveyed: how the "
        "model does on the land this map is for"
    ),
    marked("blocks wider than the autocorrelation range left out: how it does between surveys"),
    marked(
        "blocks left out, taught on finds up to a date and tested on finds after it: how the "
        "model does on what nobody knew yet"
    ),
    marked("{words} (up to {day})"),
    marked("far"),
    marked("near"),
)
GATES = (
    marked("enough positive cells"),
    marked("labels dealt out anew within blocks cannot be predicted (ROC-AUC, distance from 0.5)"),
    marked("better than prevalence on far land (average precision, low end of the difference)"),
    marked("far calibration slope: its distance from 1 (also passed if its interval holds 1)"),
    marked("share of the study area that the training data speak for"),
)
WARNINGS = (
    marked("{column} has one value everywhere, or none: leave it out."),
    marked(
        "{column} is constant within every region, so that it can name the region: leave it out, "
        "or replace it by something that varies within."
    ),
    marked(
        "{column} has only {share} % of its variance within regions, so that it nearly names the "
        "region: compare the far score without it."
    ),
    marked(
        "{column} stays alike over {range} km, more than the block of {block} km, so that it can "
        "tell blocks apart by place: cap it, use larger blocks, or compare the far score without "
        "it."
    ),
    marked(
        "Blocks are {block} km and labels are alike over {range} km: scores on blocks flatter the "
        "model."
    ),
    marked("Ask for wider blocks."),
    marked("The area is too small for wider."),
)
READINGS = (
    marked("this run's map"),
    marked("negative by search"),
    marked("negative by search, weighted"),
    marked("unsurveyed land as negative"),
    marked("positive-unlabelled, prior {share}"),
    marked("{reading} (lower end)"),
    marked("{reading} (upper end)"),
    marked(
        "A survey like those made would find something in about {share} of the unsurveyed cells "
        "(95 % interval {low} to {high}); {part} of that land is unlike any that was surveyed, "
        "and what is said of it is extrapolation."
    ),
)
CAPTURE = (
    marked("tasks, as chosen here"),
    marked("highest cells, one by one (no task around them)"),
    marked("cells nearest to the line"),
    marked("cells nearest to a find of another region"),
    marked("Against {rule}: {found}."),
    marked("tasks find more at {shares} of land"),
    marked("tasks find less at {shares} of land"),
    marked("no difference is shown at {shares} of land"),
    marked("Not measured: the run kept no scores of regions left out."),
)
WHY = (
    marked(
        "Mean probability of contamination of a cell {mean} (interval {low} to {high}); the model "
        "can speak for {share} of the task."
    ),
    marked("Its place is luck: within the interval it may rank anywhere from {low} to {high}."),
    marked("Within the interval it ranks {low} to {high}."),
    marked(
        "Survey to learn: the model cannot say here, for no surveyed land is like it "
        "(dissimilarity {value}, limit 1)."
    ),
    marked(
        "Drawn blind from all land that may be tasked, as a check of the map; the model had no "
        "part in it."
    ),
    marked("It can speak for {share} of the task."),
    marked("Raised most by {families}."),
    marked("Lowered most by {families}."),
    marked("Nearest evidence: find {name} of {layer}, date {date}, {metres} m away."),
    marked("Nearest evidence: accident {name} of {layer}, date {date}, {metres} m away."),
    marked("Nearest evidence: confirmed area {name} of {layer}, date {date}, {metres} m away."),
    marked("Nearest evidence: suspected area {name} of {layer}, date {date}, {metres} m away."),
    marked(
        "Nearest evidence: area worked on since {name} of {layer}, date {date}, {metres} m away."
    ),
    marked("row {number}"),
    marked("not recorded"),
    marked("Missing: {parts}."),
    marked("values of {columns} in part of this task"),
    marked("past findings: how near they are, and how many"),
    marked("distance to the nearest of {layer}, at most {metres} m"),
    marked("number of {layer} within {metres} m"),
)
TASK_LAND = (
    marked("no bases: travel is not counted"),
    marked("no layer of roads to cut tasks by"),
    marked("no layer of rivers to cut tasks by"),
    marked("no layer of rivers or roads to cut tasks by"),
    marked("no slope in the cube: effort is that of level ground"),
    marked("criterion {name} ({words}): no layer"),
    marked("threat to life and casualty rate"),
    marked("socio-economic need"),
    marked("resettlement of displaced people"),
    marked("funded and ready reconstruction"),
    marked("food security by land type"),
    marked("other"),
    marked("accident buffer"),
    marked("registered area"),
    marked("open task"),
)
LAYERS = (
    marked("roads"),
    marked("settlements"),
    marked("{kind} of {layer} is left out: {names} is optional and has no file"),
    marked("No layer is at hand: {reason}"),
    marked("{layer} is not on the map: {reason}"),
)
FAMILIES = (
    marked("past findings"),
    marked("front line"),
    marked("front zones"),
    marked("front shape"),
    marked("own side share"),
    marked("no mans land"),
    marked("fortifications"),
    marked("front of positions"),
    marked("terrain"),
    marked("landform"),
    marked("front facing"),
    marked("wetness"),
    marked("trafficability"),
    marked("visibility"),
    marked("commanding view"),
    marked("distance"),
    marked("density"),
    marked("land cover"),
    marked("land cover edge"),
    marked("value"),
    marked("change"),
    marked("margin"),
    marked("minefield records"),
    marked("population change"),
    marked("approach"),
    marked("crossings"),
    marked("passes"),
)
"""Families of features, as named in figures; what each tells stands in `features.families`."""
