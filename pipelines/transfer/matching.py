"""Which layer of a new study area stands for which of a run, and which features can be built."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import xarray as xr

from minerisk.configs.bounds import Reads, layer_settings, names_in
from minerisk.configs.layers import RasterLayer
from minerisk.configs.schema import Config, Feature
from minerisk.features.errors import InputError
from minerisk.features.kinds import feature_kind, layers_of
from minerisk.features.raster_files.units import parse_unit
from minerisk.pipelines.transfer.record import Had, LayerMatch, MatchedBy

OF_THE_LAYER = ("_column", "types")
"""Settings that say how a layer is written, and nothing of what a feature means."""


@dataclass(frozen=True)
class Matching:
    """What of a run can be had on new land.

    Attributes
    ----------
    layers
        By the name in the run.
    features
        Those that can be built, with the names of layers as the run has them.
    had
        Column of the run's cube to whether it can be had.
    """

    layers: Mapping[str, LayerMatch]
    features: tuple[Feature, ...]
    had: Mapping[str, Had]


def match(run: Config, cube: xr.Dataset, there: Config, given: Mapping[str, str]) -> Matching:
    """Match the features of a run with the layers of another study area.

    A feature is computed there by its kind and parameters in the run, whatever the other study
    area asks for. A layer is taken for one of the run if it was `given`; if both are the boundary;
    if features of the same kind read both in the same place, where the kind tells what is read; or
    by its name.

    Parameters
    ----------
    run, cube
        Configuration and cube of the run.
    there
        The new study area.
    given
        Layer of the run to layer of the new study area.

    Raises
    ------
    InputError
        If a layer is not known, is not of the same kind or unit, or stands for nothing clearly.
    """
    read = list(dict.fromkeys(name for item in run.features for name in _names(item)))
    _check_given(read, there, given)
    matches = {name: found for name in read if (found := _match(name, run, there, given))}
    other_unit = {name for name, found in matches.items() if _other_unit(run, there, found)}
    usable = {name: found for name, found in matches.items() if name not in other_unit}
    features, had = [], {}
    for item in run.features:
        absent = [name for name in _names(item) if name not in usable]
        kept = _without(run, item, absent)
        if kept is not None:
            features.append(_as_written_there(kept, there, usable))
        reason = Had.UNIT if set(absent) & other_unit else Had.NO_LAYER
        for name in _columns(cube, item):
            had[name] = _had(run, cube[name], absent, built=kept is not None, reason=reason)
    return Matching(usable, tuple(features), had)


def _names(item: Feature) -> list[str]:
    return [name for setting in layer_settings(type(item)) for name in names_of(item, setting)]


def names_of(item: Feature, setting: str) -> list[str]:
    """List the layers that a setting of a feature names."""
    return names_in(getattr(item, setting))


def _check_given(read: Sequence[str], there: Config, given: Mapping[str, str]) -> None:
    for name, other in given.items():
        if name not in read:
            raise InputError(
                f"--as {name}={other}: no feature of the run reads a layer {name}; expected one of "
                f"{', '.join(read)}."
            )
        if other not in there.layers:
            raise InputError(
                f"--as {name}={other}: the new study area has no layer {other}; expected one of "
                f"{', '.join(sorted(there.layers))}."
            )


def _match(name: str, run: Config, there: Config, given: Mapping[str, str]) -> LayerMatch | None:
    roles = sorted(set(_roles(name, run, there)))
    if name in given:
        found = LayerMatch(run=name, there=given[name], by=MatchedBy.GIVEN)
    elif name == run.study_area.boundary:
        found = LayerMatch(run=name, there=there.study_area.boundary, by=MatchedBy.BOUNDARY)
    elif len(roles) > 1 and name not in roles:
        raise InputError(
            f"The run's layer {name} could be {' or '.join(roles)} of the new study area, whose "
            f"features read both in its place. Say which it is: --as {name}={roles[0]}."
        )
    elif roles:
        other = name if name in roles else roles[0]
        found = LayerMatch(run=name, there=other, by=MatchedBy.ROLE)
    elif name in there.layers:
        found = LayerMatch(run=name, there=name, by=MatchedBy.NAME)
    else:
        return None
    one, two = run.layers[name], there.layers[found.there]
    if one.kind != two.kind:
        raise InputError(
            f"The run's layer {name} is a {one.kind} layer and {found.there} of the new study area "
            f"is a {two.kind} layer; expected both of one kind. Name another: --as {name}=LAYER."
        )
    return found


def _roles(name: str, run: Config, there: Config) -> Iterator[str]:
    """Name the layers that features of the same kind read there in the place of `name`."""
    for item, setting, _ in _places(run, name):
        if feature_kind(_kind(item)).of_any_layer:
            continue
        for other in there.features:
            if type(other) is type(item):
                named = getattr(other, setting)
                yield from [named] if isinstance(named, str) else []


def _places(config: Config, name: str) -> Iterator[tuple[Feature, str, Reads]]:
    """Yield where features read a layer, where the kind of feature tells what is read."""
    for item in config.features:
        for setting, reads in layer_settings(type(item)).items():
            if getattr(item, setting) == name and not reads.told_apart:
                yield item, setting, reads


def _kind(item: Feature) -> str:
    return str(item.kind)


def _other_unit(run: Config, there: Config, found: LayerMatch) -> bool:
    """Tell whether a raster is in a unit of another kind than that of the run.

    Elevation is converted to metres wherever it is read, so that its unit is of no matter.
    """
    one, two = run.layers[found.run], there.layers[found.there]
    if not isinstance(one, RasterLayer) or not isinstance(two, RasterLayer):
        return False
    if all(reads.unit is not None for _, _, reads in _places(run, found.run)):
        return False
    units = [parse_unit(each.unit or "") for each in (one, two)]
    if units[0] is not None and units[1] is not None and units[0].what == units[1].what:
        if units[0].factor != units[1].factor:
            raise InputError(
                f"The run's layer {found.run} is in {one.unit} and {found.there} of the new study "
                f"area is in {two.unit}; expected one unit. Convert it to {one.unit}."
            )
        return False
    return (one.unit or "").strip().casefold() != (two.unit or "").strip().casefold()


def _without(run: Config, item: Feature, absent: Sequence[str]) -> Feature | None:
    """Return a feature without the epochs whose layers are absent; None if it cannot be built.

    An epoch may be left out if its layer states where it speaks: the model was taught land where
    it says nothing.
    """
    if not absent:
        return item
    if any(run.layers[name].coverage is None for name in absent):
        return None
    changes = {}
    for setting in layer_settings(type(item)):
        named = getattr(item, setting)
        if not set(names_in(named)) & set(absent):
            continue
        if not isinstance(named, Mapping):
            return None
        changes[setting] = {key: name for key, name in named.items() if name not in absent}
        if not changes[setting]:
            return None
    return item.model_copy(update=changes)


def _as_written_there(item: Feature, there: Config, matches: Mapping[str, LayerMatch]) -> Feature:
    """Return a feature that reads the columns that its layer has in the new study area."""
    layer = item.layer
    if not isinstance(layer, str):
        return item
    others = [
        other
        for other in there.features
        if type(other) is type(item) and other.layer == matches[layer].there
    ]
    fields = [name for name in type(item).model_fields if name.endswith(OF_THE_LAYER)]
    if not others or not fields:
        return item
    written = {name: getattr(others[0], name) for name in fields}
    for name in fields:
        one, two = getattr(item, name), written[name]
        if isinstance(one, Mapping) and isinstance(two, Mapping) and set(one) != set(two):
            raise InputError(
                f"The run's feature {_kind(item)} of {layer} tells the types {sorted(one)} apart, "
                f"that of the new study area {sorted(two)}; expected the same types. Name them "
                f"alike in `{name}`."
            )
    return item.model_copy(update=written)


def _columns(cube: xr.Dataset, item: Feature) -> list[str]:
    kind = _kind(item)
    layer = ", ".join(layers_of(kind, item.model_dump(exclude={"kind"})))
    return [
        str(name)
        for name in cube.attrs["variables"]
        if (cube[name].attrs["kind"], cube[name].attrs["layer"]) == (kind, layer)
    ]


def _had(
    run: Config, column: xr.DataArray, absent: Sequence[str], *, built: bool, reason: Had
) -> Had:
    if not absent:
        return Had.BUILT
    taught = bool(column.attrs["covered"])
    if taught and all(run.layers[name].coverage is not None for name in absent):
        return Had.SILENT
    return Had.BUILT if built else reason
