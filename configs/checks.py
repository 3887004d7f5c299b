"""Does a configuration make sense for a model of the ground? The layer above types and bounds."""

from collections.abc import Iterator

from minerisk.configs.feature_kinds import Distance
from minerisk.configs.schema import Config, RasterLayer

_RASTER_FEATURES = (
    *("terrain", "land_cover", "land_cover_edge", "value", "change", "passes", "landform"),
    *("front_facing", "wetness", "trafficability", "visibility", "commanding_view"),
)
_FRONT_KINDS = ("front_line", "front_zones", "front_shape", "no_mans_land")
_FRONT_FIELDS = ("front_line", "opposing_line")
_RASTER_FIELDS = ("elevation", "before", "land_cover")
OTHER_LAYERS = (
    *("held_area", "front_line", "opposing_line"),
    *("elevation", "before", "rivers", "roads", "observers", "land_cover", "land"),
)


def check_config(config: Config) -> list[str]:
    """Find what is well-formed and still wrong or doubtful.

    Returns
    -------
    list of str
        Each begins with ``error: `` or ``warning: ``; then the place, what is there, and what to
        do. Empty if there is nothing to say.
    """
    checks = (_features, _leaks, _effort, _labels, _area, _model, _tasks, _simulation, _layers)
    return [line for check in checks for line in check(config)]


def has_errors(lines: list[str]) -> bool:
    """Tell whether any line of `check_config` is an error."""
    return any(line.startswith("error: ") for line in lines)


def _layer(config: Config, place: str, name: str, *, kind: str) -> Iterator[str]:
    """Check that a named layer is there and of the kind that is needed."""
    layer = config.layers.get(name)
    if layer is None:
        known = ", ".join(sorted(config.layers))
        yield f"error: {place}: no layer is named {name}; layers has {known}."
    elif layer.kind != kind:
        yield f"error: {place}: the layer {name} is a {layer.kind}; expected a {kind} layer."


def _features(config: Config) -> Iterator[str]:
    seen: dict[tuple[str, str, str | None], int] = {}
    for index, feature in enumerate(config.features):
        place = f"features.{index} ({feature.kind})"
        kind = "raster" if feature.kind in _RASTER_FEATURES else "vector"
        yield from _layer(config, place, feature.layer, kind=kind)
        for field, name in _others(feature):
            other = "raster" if field in _RASTER_FIELDS else "vector"
            yield from _layer(config, place, name, kind=other)
        yield from _resolution(config, place, feature)
        second = getattr(feature, "rivers", None) or getattr(feature, "observers", None)
        key = (feature.kind, feature.layer, second)
        if key in seen:
            yield (
                f"error: {place}: {feature.kind} of the layer {feature.layer} is given in "
                f"features.{seen[key]} already. Give it once."
            )
        seen[key] = index
        yield from _classes_of(config, place, feature)


def _others(feature: object) -> list[tuple[str, str]]:
    """Give the fields other than `layer` that name a layer, and what they name."""
    named = ((field, getattr(feature, field, None)) for field in OTHER_LAYERS)
    return [(field, name) for field, name in named if name is not None]


def _resolution(config: Config, place: str, feature: object) -> Iterator[str]:
    cell = config.study_area.resolution_m
    small = [radius for radius in getattr(feature, "radii_m", ()) if radius < cell]
    if small:
        words = ", ".join(f"{radius:g}" for radius in small)
        yield (
            f"warning: {place}: radii_m has {words}, below the cell of {cell:g} m; such a radius "
            "sees one cell. Use radii of at least two cells."
        )
    cap = getattr(feature, "cap_m", None)
    if cap is not None and cap < 2 * cell:
        yield f"warning: {place}: cap_m is {cap:g}, below two cells of {cell:g} m."


def _classes_of(config: Config, place: str, feature: object) -> Iterator[str]:
    groups: dict[str, tuple[int, ...]] = getattr(feature, "groups", {})
    owner: dict[int, str] = {}
    for group, codes in groups.items():
        for code in codes:
            if code in owner and owner[code] != group:
                yield f"warning: {place}: class {code} is in the groups {owner[code]} and {group}."
            owner.setdefault(code, group)
    name = getattr(feature, "layer", "") if groups else getattr(feature, "land_cover", None)
    layer = config.layers.get(name or "")
    if isinstance(layer, RasterLayer) and layer.resampling in ("bilinear", "average"):
        yield (
            f"error: {place}: the layer {name} is resampled by {layer.resampling}, which mixes "
            "class codes. Set resampling: nearest or mode."
        )


def _leaks(config: Config) -> Iterator[str]:
    evidence = {item.layer for item in config.labels.positive}
    origins = {_origin(config, name): name for name in evidence if name in config.layers}
    for index, feature in enumerate(config.features):
        for name in (feature.layer, *(name for _, name in _others(feature))):
            if name not in config.layers:
                continue
            same = name if name in evidence else origins.get(_origin(config, name))
            if same is not None:
                yield (
                    f"error: features.{index} ({feature.kind}): the layer {name} is the evidence "
                    f"{same} of the labels; the model would read the answer. Leave it out: past "
                    "findings enter through model.findings."
                )
        if feature.kind == "search_effort" or feature.layer == config.labels.surveyed:
            yield (
                f"warning: features.{index} ({feature.kind}): the layer {feature.layer} says where "
                "people looked; a feature made of it teaches the model the survey, not the mines."
            )


def _origin(config: Config, name: str) -> tuple[str, ...]:
    layer = config.layers[name]
    if isinstance(layer, RasterLayer):
        return layer.path, layer.variable or "", str(layer.band)
    return layer.path, layer.layer or "", str(sorted(layer.keep.items()))


def _effort(config: Config) -> Iterator[str]:
    for index, effort in enumerate(config.effort):
        yield from _layer(config, f"effort.{index}", effort.layer, kind="vector")


def _labels(config: Config) -> Iterator[str]:
    seen: set[str] = set()
    for index, item in enumerate(config.labels.positive):
        place = f"labels.positive.{index}"
        yield from _layer(config, place, item.layer, kind="vector")
        if item.layer in seen:
            yield f"error: {place}: the layer {item.layer} is named twice. Name it once."
        seen.add(item.layer)
        layer = config.layers.get(item.layer)
        undated = layer is not None and getattr(layer, "date_column", None) is None
        if config.study_area.as_of is not None and undated:
            yield (
                f"warning: {place}: study_area.as_of is {config.study_area.as_of}, but the layer "
                f"{item.layer} has no date_column: nothing of it can be left out by date."
            )
        if item.evidence == "suspicion" and item.weight == 1:
            yield f"warning: {place}: suspicion is believed like a find (weight 1). Lower it."
    surveyed = config.labels.surveyed
    if surveyed is None:
        yield (
            "warning: labels.surveyed is not given: no cell is known to have been searched without "
            "finds, so there are no negatives but unlabelled land."
        )
    else:
        yield from _layer(config, "labels.surveyed", surveyed, kind="vector")
        if surveyed in seen:
            yield "error: labels.surveyed: the layer is positive evidence too. Use another."
    for index, search in enumerate(config.labels.searches):
        place = f"labels.searches.{index}"
        yield from _layer(config, place, search.layer, kind="vector")
        if search.layer in seen:
            yield f"error: {place}: the layer {search.layer} is positive evidence too. Use another."


def _area(config: Config) -> Iterator[str]:
    area = config.study_area
    yield from _layer(config, "study_area.boundary", area.boundary, kind="vector")
    if area.regions.layer is not None:
        yield from _layer(config, "study_area.regions", area.regions.layer, kind="vector")
    if area.crs.strip().upper() in ("EPSG:4326", "OGC:CRS84", "EPSG:3857", "EPSG:900913"):
        yield (
            f"error: study_area.crs is {area.crs}, in which a metre is not a metre on the ground. "
            "Use a UTM zone such as EPSG:32638, or EPSG:3035 in Europe."
        )
    if config.folds.block_m is not None and config.folds.block_m < 4 * area.resolution_m:
        yield (
            f"warning: folds.block_m is {config.folds.block_m:g}, below four cells; neighbours of "
            "training cells would be tested. Leave it out: the measured range decides."
        )


def _model(config: Config) -> Iterator[str]:
    cell, findings = config.study_area.resolution_m, config.model.findings
    if findings.use and findings.block_m < 2 * cell:
        yield (
            f"error: model.findings.block_m is {findings.block_m:g}, below two cells of {cell:g} "
            "m: cross-fitting would see a cell's own finding. Use several kilometres."
        )
    if findings.use and any(radius > findings.block_m for radius in findings.radii_m):
        yield "warning: model.findings.radii_m reaches beyond block_m; use wider blocks."
    if findings.use and any(radius < cell for radius in findings.radii_m):
        yield f"warning: model.findings.radii_m has radii below the cell of {cell:g} m."
    if findings.half_life_years is not None and config.study_area.as_of is None:
        yield (
            "error: model.findings.half_life_years needs study_area.as_of: the date that ages of "
            "findings are counted to."
        )
    if any(k < 1 for k in findings.neighbours):
        yield "error: model.findings.neighbours counts from 1; leave out what is below."
    total = config.classes.higher_share + config.classes.elevated_share
    if total > 1:
        yield (
            f"error: classes: higher_share and elevated_share add up to {total:g}; at most 1. "
            "Lower one of them."
        )
    elif total > 0.5:
        yield f"warning: classes: {100 * total:g} % of the land would be higher or elevated."


def _tasks(config: Config) -> Iterator[str]:
    tasks = config.tasks
    cell_ha = config.study_area.resolution_m**2 / 10_000
    if tasks.min_ha > tasks.max_ha:
        yield f"error: tasks: min_ha {tasks.min_ha:g} is above max_ha {tasks.max_ha:g}."
    if tasks.max_ha < cell_ha:
        yield (
            f"error: tasks: max_ha is {tasks.max_ha:g}, less than a cell of {cell_ha:g} ha. Use a "
            "finer resolution_m or a larger max_ha."
        )
    elif tasks.min_ha < cell_ha:
        yield f"warning: tasks: min_ha is {tasks.min_ha:g}, less than a cell of {cell_ha:g} ha."
    if tasks.budget_ha < tasks.min_ha:
        yield (
            f"error: tasks: budget_ha is {tasks.budget_ha:g}, below min_ha {tasks.min_ha:g}; no "
            "task would fit."
        )
    for name in sorted(_task_layers(config)):
        if name not in config.layers:
            yield from _layer(config, "tasks", name, kind="vector")
    for name, criterion in tasks.criteria.items():
        if isinstance(config.layers.get(criterion.layer), RasterLayer) and not criterion.classes:
            yield (
                f"error: tasks.criteria.{name}: the layer {criterion.layer} is a raster; give the "
                "classes that count."
            )


def _task_layers(config: Config) -> set[str]:
    """Name the layers that the survey tasks ask for."""
    tasks = config.tasks
    names = {tasks.open_tasks, tasks.bases, *(tasks.registered or ()), *(tasks.cut_by or ())}
    names |= {criterion.layer for criterion in tasks.criteria.values()} | set(tasks.near)
    names |= {place.partition(".")[0] for place in tasks.districts}
    return {name for name in names if name is not None}


def _simulation(config: Config) -> Iterator[str]:
    simulation = config.simulation
    made = [name for name, layer in config.layers.items() if layer.path.startswith("@simulated/")]
    if simulation is None:
        for name in made:
            yield (
                f"error: layers.{name}: its path begins with @simulated/, but there is no "
                "simulation. Name a file, or describe the simulation."
            )
        return
    yield from _layer(config, "simulation.elevation", simulation.elevation, kind="raster")
    for field in ("front_line", "held_area", "settlements", "rivers", "roads"):
        name = getattr(simulation, field)
        if name is not None:
            yield from _layer(config, f"simulation.{field}", name, kind="vector")
    if not made:
        yield (
            "warning: simulation is given, but no layer's path begins with @simulated/: real and "
            "simulated findings would be mixed up."
        )


def _layers(config: Config) -> Iterator[str]:
    for feature in config.features:
        doubtful = isinstance(feature, Distance) and feature.cap_m < 1_000
        if doubtful:
            yield f"warning: features ({feature.kind} {feature.layer}): cap_m is below 1 km."
    for name in sorted(_front_lines(config)):
        if getattr(config.layers.get(name), "position_error_m", None) == 0:
            yield (
                f"warning: layers.{name}: a front line without position_error_m is taken "
                "as exact; drawn lines are off by kilometres. State its error."
            )
    for name, layer in config.layers.items():
        csv = layer.path.lower().endswith(".csv")
        if layer.kind == "vector" and csv and not (layer.crs and layer.easting and layer.northing):
            yield f"error: layers.{name}: a CSV file needs crs, easting and northing."
        if (
            layer.kind == "raster"
            and layer.valid_range
            and not (layer.valid_range[0] < layer.valid_range[1])
        ):
            yield f"error: layers.{name}: valid_range must rise from least to greatest."
    needed = _needed(config)
    for name, layer in config.layers.items():
        if layer.optional and name in needed:
            yield (
                f"error: layers.{name}: it is optional, but more than features needs it. Only "
                "features and effort can do without a layer."
            )
    for name in sorted(set(config.layers) - _used(config)):
        yield f"warning: layers.{name} is not used by any part of the configuration."


def _front_lines(config: Config) -> set[str]:
    """Name the layers that features read as a front line."""
    lines = {item.layer for item in config.features if item.kind in _FRONT_KINDS}
    for item in config.features:
        lines |= {name for field, name in _others(item) if field in _FRONT_FIELDS}
    return lines


def _used(config: Config) -> set[str]:
    names = _needed(config)
    for feature in config.features:
        names |= {feature.layer, *(name for _, name in _others(feature))}
    return names | {effort.layer for effort in config.effort} | _task_layers(config)


def _needed(config: Config) -> set[str]:
    """Name the layers without which a run cannot be made."""
    names = {config.study_area.boundary, config.study_area.regions.layer, config.labels.surveyed}
    names |= {item.layer for item in config.labels.positive}
    names |= {item.layer for item in config.labels.searches}
    if config.simulation is not None:
        simulation = config.simulation
        names |= {simulation.elevation, simulation.front_line, simulation.held_area}
        names |= {simulation.settlements, simulation.rivers, simulation.roads}
    return {name for name in names if name is not None}
