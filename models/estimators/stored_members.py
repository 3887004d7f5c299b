"""Members of an ensemble read from files, each checked before a parser sees it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from minerisk.features.additions import load_added
from minerisk.features.errors import InputError
from minerisk.models.estimators.members import (
    BesideRule,
    BlendedMembers,
    LinearMembers,
    Members,
    NearestMembers,
    TreeMembers,
)
from minerisk.models.plain_values import MOST, number, read_record
from minerisk.models.trees.check import checked_trees
from minerisk.models.trees.stored_booster import StoredBooster

if TYPE_CHECKING:
    from minerisk.models.estimators.ensemble import Ensemble


def members_from_files(files: Mapping[str, bytes], *, columns: int) -> Members:
    """Read the members of a model, each checked before a parser sees it.

    Parameters
    ----------
    files
        What `to_files` gave, by name.
    columns
        How many columns the model may use.

    Raises
    ------
    InputError
        If a file is missing or is not what it says.
    """
    if "members.json" not in files:
        raise InputError("The model folder has no members.json; expected a minerisk model.")
    try:
        record = read_record(files["members.json"], "members.json")
        slope, intercept = number(record, "slope"), number(record, "intercept")
        if record["kind"] == "trees":
            members = _trees(files, [bool(forest) for forest in record["forest"]], columns)
            return replace(members, slope=slope, intercept=intercept)
        if record["kind"] == "blended":
            blended = _blended(files, record, columns)
            return replace(blended, slope=slope, intercept=intercept)
        if record["kind"] == "beside_rule":
            beside = _beside_rule(files, record, columns)
            return replace(beside, slope=slope, intercept=intercept)
        if record["kind"] == "nearest":
            return replace(_nearest(record, columns), slope=slope, intercept=intercept)
        if record["kind"] != "linear":
            return added_class(str(record["kind"])).members_from_files(files, columns=columns)
        return replace(_linear(record, columns), slope=slope, intercept=intercept)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"members.json does not describe the members of a model ({error!r}). Train again."
        ) from error


def added_class(name: str) -> "type[Ensemble]":
    """Import the estimator that an installed package adds under a name.

    Raises
    ------
    InputError
        If there is none, or it is no subclass of `Ensemble`.
    """
    from minerisk.models.estimators.ensemble import Ensemble  # scikit-learn, which others need not

    found = load_added("minerisk.estimators", name)
    if not (isinstance(found, type) and issubclass(found, Ensemble)):
        raise InputError(
            f"The estimator {name!r} that a package adds is {found!r}; expected a subclass of "
            "minerisk.models.estimators.Ensemble. Correct its package."
        )
    return found


def _trees(files: Mapping[str, bytes], forest: Sequence[bool], columns: int) -> TreeMembers:
    names = [f"member_{number:02d}.lgb" for number in range(len(forest))]
    missing = [name for name in names if name not in files]
    if missing or not names:
        raise InputError(f"The model folder lacks {missing or 'members'}; it is incomplete.")
    found = [checked_trees(files[name], features=columns) for name in names]
    widths = {trees.columns for _, trees in found}
    if widths != {columns}:
        raise InputError(
            f"The members read {widths} columns; the model has {columns}. Train again."
        )
    return TreeMembers(
        boosters=tuple(StoredBooster(text, trees) for text, trees in found),
        forest=tuple(forest),
    )


def _blended(files: Mapping[str, bytes], record: Mapping[str, Any], columns: int) -> BlendedMembers:
    trees = _trees(files, [bool(forest) for forest in record["forest"]], columns)
    edge, blend_m = record["edge"], number(record, "blend_m")
    place = type(edge) is int and 0 <= edge < columns
    if not place or not blend_m > 0 or len(trees.boosters) % 2:
        raise InputError(
            f"members.json blends {len(trees.boosters)} members by column {edge!r} over "
            f"{blend_m} m; expected pairs, one of {columns} columns, and metres above 0. Train "
            "the model again."
        )
    return BlendedMembers(trees, edge, blend_m)


def _beside_rule(files: Mapping[str, bytes], record: Mapping[str, Any], columns: int) -> BesideRule:
    inner = json.dumps(record["trees"]).encode()
    trees = members_from_files({**files, "members.json": inner}, columns=columns)
    power = number(record, "power")
    if not isinstance(trees, TreeMembers | BlendedMembers) or not power > 0:
        raise InputError(
            f"members.json puts {type(trees).__name__} beside a rule of power {power}; expected "
            "trees, and a power above 0. Train the model again."
        )
    return BesideRule(trees, _places(record, columns), power)


def _nearest(record: Mapping[str, Any], columns: int) -> NearestMembers:
    if record["width"] != columns:
        raise InputError(
            f"members.json has {record['width']} columns; the model has {columns}. Train the "
            "model again."
        )
    return NearestMembers(columns=_places(record, columns), width=columns)


def _places(record: Mapping[str, Any], columns: int) -> tuple[int, ...]:
    places = tuple(record["columns"])
    if not places or not all(type(place) is int and 0 <= place < columns for place in places):
        raise InputError(
            f"members.json names the columns {places}; expected columns among the {columns} of "
            "the model. Train the model again."
        )
    return places


def _linear(record: Mapping[str, Any], columns: int) -> LinearMembers:
    arrays = {
        name: np.asarray(record[name], dtype=np.float64)
        for name in ("fill", "scale", "coefficients", "intercepts")
    }
    members = len(np.atleast_1d(arrays["intercepts"]))
    shapes = {
        "fill": (columns,),
        "scale": (columns,),
        "coefficients": (members, columns),
        "intercepts": (members,),
    }
    wrong = [name for name, shape in shapes.items() if arrays[name].shape != shape]
    if wrong or not all((np.abs(array) <= MOST).all() for array in arrays.values()):
        raise InputError(
            f"members.json holds {wrong or 'numbers'} of the wrong shape or size; expected "
            f"{columns} columns and finite numbers. Train the model again."
        )
    return LinearMembers(
        fill=arrays["fill"],
        scale=arrays["scale"],
        coefficients=arrays["coefficients"],
        intercepts=arrays["intercepts"],
    )
