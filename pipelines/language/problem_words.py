"""The English of problems of configurations and layers: what is there, and what to do."""

from collections.abc import Mapping
from enum import StrEnum

from minerisk.configs.problems import ConfigCode
from minerisk.features.layers.problems import LayerCode
from minerisk.pipelines.language.words import Message, Plural, marked

CONFIG_WORDS: Mapping[StrEnum, Message] = {
    ConfigCode.NO_SUCH_LAYER: marked(
        "{place}: no layer is named {layer}; layers has {known}. Correct the name."
    ),
    ConfigCode.WRONG_KIND: marked(
        "{place}: the layer {layer} is a {kind}; expected a {expected} layer."
    ),
    ConfigCode.FEATURE_TWICE: marked(
        "{place}: {kind} of the layer {layer} is given in {other} already. Give it once."
    ),
    ConfigCode.RADIUS_BELOW_CELL: marked(
        "{place}: radii_m has {radii:g}, below the cell of {cell:g} m; such a radius sees one "
        "cell. Use radii of at least two cells."
    ),
    ConfigCode.CAP_BELOW_CELLS: marked(
        "{place}: cap_m is {cap:g}, below two cells of {cell:g} m. Raise it."
    ),
    ConfigCode.CLASS_IN_TWO_GROUPS: marked(
        "{place}: class {number:d} is in the groups {first} and {second}. Check it."
    ),
    ConfigCode.CLASSES_MIXED: marked(
        "{place}: the layer {layer} is resampled by {resampling}, which mixes class codes. Set "
        "resampling: nearest or mode."
    ),
    ConfigCode.FEATURE_IS_EVIDENCE: marked(
        "{place}: the layer {layer} is the evidence {evidence} of the labels; the model would read "
        "the answer. Leave it out: past findings enter through model.findings."
    ),
    ConfigCode.FEATURE_IS_SURVEY: marked(
        "{place}: the layer {layer} shows where people looked; from such a feature the model "
        "learns the survey, not the mines."
    ),
    ConfigCode.LAYER_TWICE: marked("{place}: the layer {layer} is named twice. Name it once."),
    ConfigCode.WITHOUT_DATES: marked(
        "{place}: study_area.as_of is {as_of}, but the layer {layer} has no date_column: nothing "
        "of it can be left out by date."
    ),
    ConfigCode.SUSPICION_AS_FIND: marked(
        "{place}: suspicion has the weight of a find (1). Lower it."
    ),
    ConfigCode.NO_SURVEYED_LAND: marked(
        "{place} is not given: no cell is known to have been searched without finds, so there are "
        "no negatives but unlabelled land."
    ),
    ConfigCode.SURVEY_IS_EVIDENCE: marked(
        "{place}: the layer {layer} is positive evidence too. Use another."
    ),
    ConfigCode.CRS_WITHOUT_METRES: marked(
        "{place} is {crs}, in which a metre is not a metre on the ground. Use a UTM zone such as "
        "EPSG:32638, or EPSG:3035 in Europe."
    ),
    ConfigCode.BLOCK_BELOW_CELLS: marked(
        "{place} is {block:g}, below four cells: the model would be tested on neighbours of cells "
        "it was trained on. Leave it out: the measured range decides."
    ),
    ConfigCode.FINDINGS_BLOCK_BELOW_CELLS: marked(
        "{place} is {block:g}, below two cells of {cell:g} m: cross-fitting would see a cell's own "
        "finding. Use several kilometres."
    ),
    ConfigCode.FINDINGS_RADIUS_BEYOND_BLOCK: marked(
        "{place} reaches beyond block_m; use wider blocks."
    ),
    ConfigCode.FINDINGS_RADIUS_BELOW_CELL: marked(
        "{place} has radii below the cell of {cell:g} m. Use wider ones."
    ),
    ConfigCode.AGE_WITHOUT_DATE: marked(
        "{place} needs study_area.as_of: the day that the age of a finding is counted to."
    ),
    ConfigCode.NEIGHBOURS_BELOW_ONE: marked("{place} counts from 1; leave out what is below."),
    ConfigCode.CLASS_SHARES_ABOVE_ONE: marked(
        "{place}: higher_share and elevated_share add up to {total:g}; at most 1. Lower one of "
        "them."
    ),
    ConfigCode.CLASS_SHARES_HIGH: marked(
        "{place}: {percent:g} % of the land would be higher or elevated."
    ),
    ConfigCode.CLASS_CUTS_MISSING: marked(
        "{place} is not given, and classes.by is rate. Write two rates, such as [0.2, 1]: expected "
        "contaminated cells a km² from which land is elevated, and from which it is higher."
    ),
    ConfigCode.CLASS_CUTS_UNUSED: marked(
        "{place} is given, and classes.by is share, which does not read it. Write by: rate, or "
        "leave it out."
    ),
    ConfigCode.CLASS_CUTS_ORDER: marked(
        "{place}: {elevated:g} and {higher:g} a km²; expected two rates above 0, the first, of "
        "elevated, below the second, of higher."
    ),
    ConfigCode.CLASS_CUTS_ABOVE_CELL: marked(
        "{place}: {cut:g} a km² is more than there are cells, {most:g} a km². Write a lower rate."
    ),
    ConfigCode.TASK_SIZES_CROSSED: marked(
        "{place}: min_ha {least:g} is above max_ha {greatest:g}. Correct one of them."
    ),
    ConfigCode.TASK_BELOW_CELL: marked(
        "{place}: max_ha is {greatest:g}, less than a cell of {cell:g} ha. Use a finer "
        "resolution_m or a larger max_ha."
    ),
    ConfigCode.LEAST_TASK_BELOW_CELL: marked(
        "{place}: min_ha is {least:g}, less than a cell of {cell:g} ha."
    ),
    ConfigCode.BUDGET_BELOW_TASK: marked(
        "{place}: budget_ha is {budget:g}, below min_ha {least:g}; no task would fit."
    ),
    ConfigCode.CRITERION_WITHOUT_CLASSES: marked(
        "{place}: the layer {layer} is a raster; list the classes that count."
    ),
    ConfigCode.PATH_WITHOUT_SIMULATION: marked(
        "{place}: its path begins with @simulated/, but there is no simulation. Name a file, or "
        "describe the simulation."
    ),
    ConfigCode.SIMULATION_WITHOUT_PATH: marked(
        "{place} is given, but no layer's path begins with @simulated/: real and simulated "
        "findings would be mixed up."
    ),
    ConfigCode.CAP_SHORT: marked("{place}: cap_m is below 1 km."),
    ConfigCode.LINE_WITHOUT_ERROR: marked(
        "{place}: a front line without position_error_m is taken as exact; drawn lines are off by "
        "kilometres. State its error."
    ),
    ConfigCode.CSV_WITHOUT_COLUMNS: marked("{place}: a CSV file needs crs, easting and northing."),
    ConfigCode.COVERAGE_OF_ITSELF: marked(
        "{place}: the layer {layer} is said to cover itself. Name the layer of the land that it "
        "speaks for; of a raster, write valid_cells: true."
    ),
    ConfigCode.COVERAGE_NOT_USED: marked(
        "{place}: no feature reads the layer {layer}, so what it covers changes nothing."
    ),
    ConfigCode.VALID_RANGE_NOT_RISING: marked(
        "{place}: valid_range must rise from least to greatest."
    ),
    ConfigCode.OPTIONAL_LAYER_NEEDED: marked(
        "{place}: it is optional, but more than features needs it. Only features and effort can do "
        "without a layer."
    ),
    ConfigCode.LAYER_NOT_USED: marked("{place} is not used by any part of the configuration."),
}
LAYER_WORDS: Mapping[StrEnum, Message] = {
    LayerCode.UNREADABLE: "{reason}",
    LayerCode.NO_CRS: "{reason}",
    LayerCode.NOT_POLYGONS: marked(
        "Rows that are no polygons: {flat} of {rows}. Expected polygons of the land that is meant; "
        "leave the others out, or make polygons of them."
    ),
    LayerCode.MADE_BY_RUN: marked(
        "{path} is written by the run itself and is checked once it is there."
    ),
    LayerCode.EMPTY: marked(
        "The layer is empty: {rows} rows, none with a usable geometry; check its file, layer and "
        "keep."
    ),
    LayerCode.KEPT_ROWS: Plural(
        "{rows} of {of} rows is kept.", "{rows} of {of} rows are kept.", by="rows"
    ),
    LayerCode.UNMATCHED_VALUES: marked(
        "keep names {values} for {column}, which no row has; there are {known}. Correct the "
        "values, or leave them out."
    ),
    LayerCode.CRS_GIVEN: marked("Its coordinates are read in {crs}, as the configuration says."),
    LayerCode.SHIFT_NOT_KNOWN: marked(
        "The shift from its datum ({datum}) to that of {crs} is not known: its places are used as "
        "they are, and may be off by some hundred metres. If its CRS is stated wrongly or in part, "
        "store the layer with its true one."
    ),
    LayerCode.EXCHANGED_AXES: Plural(
        "{exchanged} of {rows} features lies outside the study area, and inside with easting and "
        "northing exchanged. Check the coordinates.",
        "{exchanged} of {rows} features lie outside the study area, and inside with easting and "
        "northing exchanged. Check the coordinates.",
        by="exchanged",
    ),
    LayerCode.REPAIRED_GEOMETRY: Plural(
        "{invalid} of {rows} geometries was invalid: repaired.",
        "{invalid} of {rows} geometries were invalid: repaired.",
        by="invalid",
    ),
    LayerCode.LOST_GEOMETRY: Plural(
        "{invalid} of {rows} geometries was invalid: repaired, {dropped} of them left out as "
        "nothing remained.",
        "{invalid} of {rows} geometries were invalid: repaired, {dropped} of them left out as "
        "nothing remained.",
        by="invalid",
    ),
    LayerCode.UNBOUNDED_GEOMETRY: Plural(
        "{dropped} geometry without finite coordinates was left out.",
        "{dropped} geometries without finite coordinates were left out.",
        by="dropped",
    ),
    LayerCode.NO_GEOMETRY: Plural(
        "{empty} of {rows} rows has no geometry: left out.",
        "{empty} of {rows} rows have no geometry: left out.",
        by="empty",
    ),
    LayerCode.DUPLICATES: Plural(
        "{repeated} of {rows} rows repeats another row exactly. It is kept.",
        "{repeated} of {rows} rows repeat another row exactly. They are kept.",
        by="repeated",
    ),
    LayerCode.NO_DATE_COLUMN: marked("There is no date column {column}; there are {known}."),
    LayerCode.UNREADABLE_COLUMN: "{reason}",
    LayerCode.DATES_DAY_OR_MONTH: marked(
        "Column {column}, row {rows}: {example} does not say which number is the day and "
        "which the month. State date_format, such as %d.%m.%Y, or write YYYY-MM-DD."
    ),
    LayerCode.DATES_SHORT_YEAR: marked(
        "Column {column}, row {rows}: {example} has a year of two digits. Write YYYY-MM-DD."
    ),
    LayerCode.DATES_SERIAL: marked(
        "Column {column}, row {rows}: {example} looks like the serial number that a "
        "spreadsheet keeps for a day. Write YYYY-MM-DD."
    ),
    LayerCode.DATES_SECONDS: marked(
        "Column {column}, row {rows}: {example} looks like seconds since 1970. Write YYYY-MM-DD."
    ),
    LayerCode.DATES_MILLISECONDS: marked(
        "Column {column}, row {rows}: {example} looks like milliseconds since 1970. If it is,"
        " state date_format: epoch_ms."
    ),
    LayerCode.DATES_PLACEHOLDER: marked(
        "Column {column}, row {rows}: {example} looks like a placeholder for no date. Leave "
        "it blank."
    ),
    LayerCode.DATES_NO_DAY: marked(
        "Column {column}, row {rows}: {example} names a day that there is not. Correct it."
    ),
    LayerCode.DATES_PARTIAL: marked(
        "Column {column}, row {rows}: {example} is a year or a month without a day. Write "
        "YYYY-MM-DD."
    ),
    LayerCode.DATES_OTHER_FORMAT: marked(
        "Column {column}, row {rows}: {example} is not as date_format says. Correct it, or "
        "write YYYY-MM-DD."
    ),
    LayerCode.EARLY_DATES: marked(
        "Column {column}, row {rows}: {example} lies before 1900. Correct it, or leave it blank."
    ),
    LayerCode.FUTURE_DATES: marked(
        "Column {column}, row {rows}: {example} lies in the future. Correct it, or leave it blank."
    ),
    LayerCode.UNREADABLE_DATES: marked(
        "Column {column}, row {rows}: {example} is no date that is known. Write YYYY-MM-DD, "
        "or state date_format; leave a date that is not known blank."
    ),
    LayerCode.UNDATED: Plural(
        "{undated} of {rows} rows has no date.",
        "{undated} of {rows} rows have no date.",
        by="undated",
    ),
    LayerCode.LATE_DATES: Plural(
        "{dates} date lies after {as_of}, the day that study_area.as_of names.",
        "{dates} dates lie after {as_of}, the day that study_area.as_of names.",
        by="dates",
    ),
    LayerCode.LONG_STEPS: Plural(
        "{long} of {steps} steps between consecutive vertices is longer than 5 km "
        "({longest_km:.1f} km): the shape is coarse or damaged there.",
        "{long} of {steps} steps between consecutive vertices are longer than 5 km (the longest "
        "{longest_km:.1f} km): the shape is coarse or damaged there.",
        by="long",
    ),
    LayerCode.OUTSIDE: marked(
        "The layer does not cover the study area: none of its {rows} features touches it. Check "
        "the layer's CRS, and the order of easting and northing."
    ),
    LayerCode.PARTLY_OUTSIDE: Plural(
        "{outside} of {rows} features lies outside the study area.",
        "{outside} of {rows} features lie outside the study area.",
        by="outside",
    ),
    LayerCode.COVER: marked(
        "The layer has values on {percent:.1f} % of the study area; the rest has none."
    ),
    LayerCode.COVERAGE: marked(
        "It speaks for {share:share} of the study area; elsewhere its features are nodata."
    ),
    LayerCode.COVERS_NOTHING: marked(
        "What it covers holds no land of the study area; expected polygons, bounds or cells that "
        "do. Check its coverage and its CRS, or leave the layer out."
    ),
    LayerCode.SILENT_LABELS: marked(
        "Of {found:count} cells with a finding of {evidence}, {silent:count} lie where this layer "
        "says nothing: what the model learns of it does not hold for them."
    ),
    LayerCode.VALUE_RANGE: Plural(
        "{wrong} value near the study area lies outside valid_range {low:g} to {high:g} "
        "({least:g} to {greatest:g}). If it means that nothing was measured, declare it as the "
        "file's nodata; otherwise correct the file or the range.",
        "{wrong} values near the study area lie outside valid_range {low:g} to {high:g} (from "
        "{least:g} to {greatest:g}). If one of them means that nothing was measured, declare it as "
        "the file's nodata; otherwise correct the file or the range.",
        by="wrong",
    ),
    LayerCode.FIRST_OF_BANDS: marked(
        "The raster has {bands} bands, and the configuration names none: the first is read."
    ),
    LayerCode.UNDECLARED_NODATA: Plural(
        "{count} value near the study area is {value}, far from all others ({least:g} to "
        "{greatest:g}): it looks like nodata that is not declared. If nothing was measured there, "
        "write nodata: [{value}] under the layer; if the value is true, write valid_range: "
        "[{low}, {high}].",
        "{count} values near the study area are {value}, far from all others ({least:g} to "
        "{greatest:g}): it looks like nodata that is not declared. If nothing was measured there, "
        "write nodata: [{value}] under the layer; if the value is true, write valid_range: "
        "[{low}, {high}].",
        by="count",
    ),
    LayerCode.EVIDENCE_AS_FEATURE: marked(
        "The layer is evidence for the labels and is used as a feature: the model would read the "
        "answer. Leave the feature out; past findings enter through model.findings, fitted inside "
        "each fold."
    ),
    LayerCode.SAME_DATA_AS_EVIDENCE: marked(
        "The layer is the same data as {evidence}, which is evidence for the labels, and is used "
        "as a feature: the model would read the answer. Leave the feature out; past findings enter "
        "through model.findings, fitted inside each fold."
    ),
    LayerCode.TELLING_COLUMNS: marked(
        "The columns {columns} look like survey results; a feature made of them would leak the "
        "label. Leave them out of the layer if any feature reads them."
    ),
    LayerCode.ABSENT: marked("{path} is not there; the layer is optional."),
    LayerCode.FEATURE_LEFT_OUT: marked(
        "{kind} of {layer} is left out: {absent} is optional and has no file."
    ),
    LayerCode.LISTED_LATER: marked("{kind} of {layer} is listed once the run has made the layer."),
}
