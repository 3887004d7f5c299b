"""Does a configuration make sense for a model of the ground? The layer above types and bounds."""

from collections.abc import Iterator

from minerisk.configs.bounds import Frozen, Reads, layer_settings, names_in
from minerisk.configs.feature_kinds import Added, Distance
from minerisk.configs.problems import ConfigCode, ConfigProblem, error, warning
from minerisk.configs.schema import Config, RasterLayer


def check_config(config: Config) -> list[ConfigProblem]:
    """Find what is well-formed and still wrong or doubtful, in the order of the sections."""
    checks = (
        _features,
        _leaks,
        _effort,
        _labels,
        _area,
        _model,
        _classes,
        _tasks,
        _simulation,
        _layers,
    )
    return [problem for check in checks for problem in check(config)]


def _layer(config: Config, place: str, name: str, *, kind: str) -> Iterator[ConfigProblem]:
    """Check that a named layer is there and of the kind that is needed."""
    layer = config.layers.get(name)
    if layer is None:
        known = tuple(sorted(config.layers))
        yield error(ConfigCode.NO_SUCH_LAYER, place, layer=name, known=known)
    elif layer.kind != kind:
        values = {"layer": name, "kind": layer.kind, "expected": kind}
        yield error(ConfigCode.WRONG_KIND, place, **values)


def _features(config: Config) -> Iterator[ConfigProblem]:
    seen: dict[tuple[str, ...], int] = {}
    for index, feature in enumerate(config.features):
        place = f"features.{index} ({feature.kind})"
        read = _read_by(feature)
        for reads, name in read:
            yield from _layer(config, place, name, kind=reads.kind)
        yield from _resolution(config, place, feature)
        beside = tuple(name for reads, name in read if reads.told_apart)
        own = feature.name if isinstance(feature, Added) else feature.kind
        key = (own, *names_in(feature.layer), *beside)
        if key in seen:
            values = {
                "kind": feature.kind,
                "layer": ", ".join(names_in(feature.layer)),
                "other": f"features.{seen[key]}",
            }
            yield error(ConfigCode.FEATURE_TWICE, place, **values)
        seen[key] = index
        yield from _classes_of(config, place, feature)


def _read_by(feature: Frozen) -> list[tuple[Reads, str]]:
    """Return the layers that a feature reads: what each has to be, and its name."""
    settings = layer_settings(type(feature)).items()
    named = ((reads, getattr(feature, setting)) for setting, reads in settings)
    return [(reads, name) for reads, value in named for name in names_in(value)]


def _resolution(config: Config, place: str, feature: object) -> Iterator[ConfigProblem]:
    cell = config.study_area.resolution_m
    small = tuple(radius for radius in getattr(feature, "radii_m", ()) if radius < cell)
    if small:
        yield warning(ConfigCode.RADIUS_BELOW_CELL, place, radii=small, cell=cell)
    cap = getattr(feature, "cap_m", None)
    if cap is not None and cap < 2 * cell:
        yield warning(ConfigCode.CAP_BELOW_CELLS, place, cap=cap, cell=cell)


def _classes_of(config: Config, place: str, feature: object) -> Iterator[ConfigProblem]:
    groups: dict[str, tuple[int, ...]] = getattr(feature, "groups", {})
    owner: dict[int, str] = {}
    for group, codes in groups.items():
        for code in codes:
            if code in owner and owner[code] != group:
                values = {"first": owner[code], "second": group}
                yield warning(ConfigCode.CLASS_IN_TWO_GROUPS, place, number=code, **values)
            owner.setdefault(code, group)
    name = getattr(feature, "layer", "") if groups else getattr(feature, "land_cover", None)
    layer = config.layers.get(name or "")
    if isinstance(layer, RasterLayer) and layer.resampling in ("bilinear", "average"):
        values = {"layer": str(name), "resampling": layer.resampling}
        yield error(ConfigCode.CLASSES_MIXED, place, **values)


def _leaks(config: Config) -> Iterator[ConfigProblem]:
    evidence = {item.layer for item in config.labels.positive}
    origins = {_origin(config, name): name for name in evidence if name in config.layers}
    for index, feature in enumerate(config.features):
        place = f"features.{index} ({feature.kind})"
        for _, name in _read_by(feature):
            if name not in config.layers:
                continue
            same = name if name in evidence else origins.get(_origin(config, name))
            if same is not None:
                yield error(ConfigCode.FEATURE_IS_EVIDENCE, place, layer=name, evidence=same)
        if config.labels.surveyed in names_in(feature.layer) or feature.kind == "search_effort":
            layer = ", ".join(names_in(feature.layer))
            yield warning(ConfigCode.FEATURE_IS_SURVEY, place, layer=layer)


def _origin(config: Config, name: str) -> tuple[str, ...]:
    layer = config.layers[name]
    if isinstance(layer, RasterLayer):
        return layer.path, layer.variable or "", str(layer.band)
    return layer.path, layer.layer or "", str(sorted(layer.keep.items()))


def _effort(config: Config) -> Iterator[ConfigProblem]:
    for index, effort in enumerate(config.effort):
        yield from _layer(config, f"effort.{index}", effort.layer, kind="vector")


def _labels(config: Config) -> Iterator[ConfigProblem]:
    seen: set[str] = set()
    for index, item in enumerate(config.labels.positive):
        place = f"labels.positive.{index}"
        yield from _layer(config, place, item.layer, kind="vector")
        if item.layer in seen:
            yield error(ConfigCode.LAYER_TWICE, place, layer=item.layer)
        seen.add(item.layer)
        layer = config.layers.get(item.layer)
        undated = layer is not None and getattr(layer, "date_column", None) is None
        if config.study_area.as_of is not None and undated:
            as_of = str(config.study_area.as_of)
            yield warning(ConfigCode.WITHOUT_DATES, place, layer=item.layer, as_of=as_of)
        if item.evidence == "suspicion" and item.weight == 1:
            yield warning(ConfigCode.SUSPICION_AS_FIND, place)
    surveyed = config.labels.surveyed
    if surveyed is None:
        yield warning(ConfigCode.NO_SURVEYED_LAND, "labels.surveyed")
    else:
        yield from _layer(config, "labels.surveyed", surveyed, kind="vector")
        if surveyed in seen:
            yield error(ConfigCode.SURVEY_IS_EVIDENCE, "labels.surveyed", layer=surveyed)
    for index, search in enumerate(config.labels.searches):
        place = f"labels.searches.{index}"
        yield from _layer(config, place, search.layer, kind="vector")
        if search.layer in seen:
            yield error(ConfigCode.SURVEY_IS_EVIDENCE, place, layer=search.layer)


def _area(config: Config) -> Iterator[ConfigProblem]:
    area = config.study_area
    yield from _layer(config, "study_area.boundary", area.boundary, kind="vector")
    if area.regions.layer is not None:
        yield from _layer(config, "study_area.regions", area.regions.layer, kind="vector")
    if area.districts is not None:
        yield from _layer(config, "study_area.districts", area.districts.layer, kind="vector")
    if area.crs.strip().upper() in ("EPSG:4326", "OGC:CRS84", "EPSG:3857", "EPSG:900913"):
        yield error(ConfigCode.CRS_WITHOUT_METRES, "study_area.crs", crs=area.crs)
    block = config.folds.block_m
    if block is not None and block < 4 * area.resolution_m:
        yield warning(ConfigCode.BLOCK_BELOW_CELLS, "folds.block_m", block=block)


def _model(config: Config) -> Iterator[ConfigProblem]:
    cell, findings = config.study_area.resolution_m, config.model.findings
    if findings.use and findings.block_m < 2 * cell:
        values = {"block": findings.block_m, "cell": cell}
        yield error(ConfigCode.FINDINGS_BLOCK_BELOW_CELLS, "model.findings.block_m", **values)
    if findings.use and any(radius > findings.block_m for radius in findings.radii_m):
        yield warning(ConfigCode.FINDINGS_RADIUS_BEYOND_BLOCK, "model.findings.radii_m")
    if findings.use and any(radius < cell for radius in findings.radii_m):
        yield warning(ConfigCode.FINDINGS_RADIUS_BELOW_CELL, "model.findings.radii_m", cell=cell)
    if findings.half_life_years is not None and config.study_area.as_of is None:
        yield error(ConfigCode.AGE_WITHOUT_DATE, "model.findings.half_life_years")
    if any(k < 1 for k in findings.neighbours):
        yield error(ConfigCode.NEIGHBOURS_BELOW_ONE, "model.findings.neighbours")


def _classes(config: Config) -> Iterator[ConfigProblem]:
    classes = config.classes
    if classes.by == "rate":
        yield from _rates(config)
        return
    if classes.cuts is not None:
        yield error(ConfigCode.CLASS_CUTS_UNUSED, "classes.cuts")
    total = classes.higher_share + classes.elevated_share
    if total > 1:
        yield error(ConfigCode.CLASS_SHARES_ABOVE_ONE, "classes", total=total)
    elif total > 0.5:
        yield warning(ConfigCode.CLASS_SHARES_HIGH, "classes", percent=100 * total)


def _rates(config: Config) -> Iterator[ConfigProblem]:
    cuts = config.classes.cuts
    if cuts is None:
        yield error(ConfigCode.CLASS_CUTS_MISSING, "classes.cuts")
        return
    elevated, higher = cuts
    if not 0 < elevated < higher:
        yield error(ConfigCode.CLASS_CUTS_ORDER, "classes.cuts", elevated=elevated, higher=higher)
    most = 1e6 / config.study_area.resolution_m**2
    if max(cuts) > most:
        yield error(ConfigCode.CLASS_CUTS_ABOVE_CELL, "classes.cuts", cut=max(cuts), most=most)


def _tasks(config: Config) -> Iterator[ConfigProblem]:
    tasks = config.tasks
    cell_ha = config.study_area.cell_ha
    if tasks.min_ha > tasks.max_ha:
        values = {"least": tasks.min_ha, "greatest": tasks.max_ha}
        yield error(ConfigCode.TASK_SIZES_CROSSED, "tasks", **values)
    if tasks.max_ha < cell_ha:
        yield error(ConfigCode.TASK_BELOW_CELL, "tasks", greatest=tasks.max_ha, cell=cell_ha)
    elif tasks.min_ha < cell_ha:
        yield warning(ConfigCode.LEAST_TASK_BELOW_CELL, "tasks", least=tasks.min_ha, cell=cell_ha)
    if tasks.budget_ha < tasks.min_ha:
        values = {"budget": tasks.budget_ha, "least": tasks.min_ha}
        yield error(ConfigCode.BUDGET_BELOW_TASK, "tasks", **values)
    for name in sorted(_task_layers(config)):
        if name not in config.layers:
            yield from _layer(config, "tasks", name, kind="vector")
    for name, criterion in tasks.criteria.items():
        for layer in criterion.layers if not criterion.classes else []:
            if isinstance(config.layers.get(layer), RasterLayer):
                place = f"tasks.criteria.{name}"
                yield error(ConfigCode.CRITERION_WITHOUT_CLASSES, place, layer=layer)


def _task_layers(config: Config) -> set[str]:
    """Name the layers that the survey tasks ask for."""
    tasks = config.tasks
    names = {tasks.open_tasks, tasks.bases, *(tasks.registered or ()), *(tasks.cut_by or ())}
    names |= {name for criterion in tasks.criteria.values() for name in criterion.layers}
    names |= set(tasks.near)
    names |= {place.partition(".")[0] for place in tasks.districts}
    return {name for name in names if name is not None}


def _simulation(config: Config) -> Iterator[ConfigProblem]:
    simulation = config.simulation
    made = [name for name, layer in config.layers.items() if layer.path.startswith("@simulated/")]
    if simulation is None:
        for name in made:
            yield error(ConfigCode.PATH_WITHOUT_SIMULATION, f"layers.{name}")
        return
    yield from _layer(config, "simulation.elevation", simulation.elevation, kind="raster")
    for field in ("front_line", "held_area", "settlements", "rivers", "roads"):
        name = getattr(simulation, field)
        if name is not None:
            yield from _layer(config, f"simulation.{field}", name, kind="vector")
    if not made:
        yield warning(ConfigCode.SIMULATION_WITHOUT_PATH, "simulation")


def _layers(config: Config) -> Iterator[ConfigProblem]:
    for feature in config.features:
        doubtful = isinstance(feature, Distance) and feature.cap_m < 1_000
        if doubtful:
            yield warning(ConfigCode.CAP_SHORT, f"features ({feature.kind} {feature.layer})")
    for name in sorted(_front_lines(config)):
        if getattr(config.layers.get(name), "position_error_m", None) == 0:
            yield warning(ConfigCode.LINE_WITHOUT_ERROR, f"layers.{name}")
    for name, layer in config.layers.items():
        csv = layer.path.lower().endswith(".csv")
        if layer.kind == "vector" and csv and not (layer.crs and layer.easting and layer.northing):
            yield error(ConfigCode.CSV_WITHOUT_COLUMNS, f"layers.{name}")
        if (
            layer.kind == "raster"
            and layer.valid_range
            and not (layer.valid_range[0] < layer.valid_range[1])
        ):
            yield error(ConfigCode.VALID_RANGE_NOT_RISING, f"layers.{name}")
        yield from _coverage(config, name)
    needed = _needed(config)
    for name, layer in config.layers.items():
        if layer.optional and name in needed:
            yield error(ConfigCode.OPTIONAL_LAYER_NEEDED, f"layers.{name}")
    for name in sorted(set(config.layers) - _used(config)):
        yield warning(ConfigCode.LAYER_NOT_USED, f"layers.{name}")


def _coverage(config: Config, name: str) -> Iterator[ConfigProblem]:
    """Check that what a layer is said to cover can be read, and is asked of a layer of its kind."""
    layer, place = config.layers[name], f"layers.{name}.coverage"
    coverage = layer.coverage
    if coverage is None:
        return
    if coverage.layer is not None and coverage.layer not in config.layers:
        yield from _layer(config, place, coverage.layer, kind="vector")
    elif coverage.layer == name:
        yield error(ConfigCode.COVERAGE_OF_ITSELF, place, layer=name)
    if layer.kind == "vector" and coverage.valid_cells:
        yield error(ConfigCode.WRONG_KIND, place, layer=name, kind="vector", expected="raster")
    if layer.kind == "raster" and coverage.in_file is not None:
        yield error(ConfigCode.WRONG_KIND, place, layer=name, kind="raster", expected="vector")
    if coverage.layer in {item.layer for item in config.labels.positive}:
        values = {"layer": coverage.layer or "", "evidence": coverage.layer or ""}
        yield error(ConfigCode.FEATURE_IS_EVIDENCE, place, **values)
    if coverage.layer is not None and coverage.layer == config.labels.surveyed:
        yield warning(ConfigCode.FEATURE_IS_SURVEY, place, layer=coverage.layer)
    read = {item for feature in config.features for _, item in _read_by(feature)}
    if name not in read:
        yield warning(ConfigCode.COVERAGE_NOT_USED, place, layer=name)


def _front_lines(config: Config) -> set[str]:
    """Name the layers that features read as a front line."""
    read = [item for feature in config.features for item in _read_by(feature)]
    return {name for reads, name in read if reads.front}


def _used(config: Config) -> set[str]:
    names = _needed(config)
    if config.study_area.districts is not None:
        names.add(config.study_area.districts.layer)
    for feature in config.features:
        names |= {name for _, name in _read_by(feature)}
    return names | {effort.layer for effort in config.effort} | _task_layers(config)


def _needed(config: Config) -> set[str]:
    """Name the layers without which a run cannot be made."""
    names = {config.study_area.boundary, config.study_area.regions.layer, config.labels.surveyed}
    names |= {item.layer for item in config.labels.positive}
    names |= {item.layer for item in config.labels.searches}
    stated = [layer.coverage for layer in config.layers.values() if layer.coverage is not None]
    names |= {coverage.layer for coverage in stated}
    if config.simulation is not None:
        simulation = config.simulation
        names |= {simulation.elevation, simulation.front_line, simulation.held_area}
        names |= {simulation.settlements, simulation.rivers, simulation.roads}
    return {name for name in names if name is not None}
