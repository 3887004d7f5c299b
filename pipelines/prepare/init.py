"""`minerisk init`: a first configuration from a folder of layers, with what is left to fill in."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from minerisk.features.errors import InputError
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.language.page import page
from minerisk.pipelines.prepare.scan import Found, Role, scan_folder
from minerisk.plain_text import plain_text

TELL = "TELL ME"
TEMPLATES = Path(__file__).parent / "templates"
_WEIGHTS: Mapping[Role, float] = {
    Role.FIND: 1.0,
    Role.CONFIRMED: 1.0,
    Role.ACCIDENT: 1.0,
    Role.CLEARED: 0.7,
    Role.SUSPICION: 0.5,
}
"""Roles of evidence, and how far each is believed."""
_NAMED_BY_ROLE = (
    Role.ELEVATION,
    Role.LAND_COVER,
    Role.FRONT_LINE,
    Role.HELD_AREA,
    Role.BOUNDARY,
    Role.SURVEYED,
)
_FEATURE_ROLES = frozenset(
    (
        Role.FORTIFICATIONS,
        Role.SETTLEMENTS,
        Role.RIVERS,
        Role.ROADS,
        Role.CLASSES,
        Role.SURFACE,
    )
)
_FEATURE_LAYERS = frozenset((Role.FRONT_LINE, Role.ELEVATION, Role.LAND_COVER))
_WORDS: Mapping[Role, str] = {
    Role.FIND: "findings",
    Role.CONFIRMED: "confirmed hazardous areas",
    Role.ACCIDENT: "accidents",
    Role.CLEARED: "areas worked on and handed over",
    Role.SUSPICION: "suspect areas",
    Role.HELD_AREA: "held area",
    Role.FRONT_LINE: "front line",
    Role.LAND_COVER: "land cover",
    Role.SURVEYED: "surveyed land",
    Role.CLASSES: "raster of classes",
    Role.SURFACE: "raster surface",
    Role.EVENTS: "events of war",
}
_IGBP = {
    **{"forest": (1, 2, 3, 4, 5), "shrub": (6, 7), "savanna": (8, 9), "grass": (10,)},
    **{"cropland": (12, 14), "urban": (13,), "water_wetland": (0, 11)},
}
_WORLDCOVER = {
    **{"forest": (10,), "shrub": (20,), "grass": (30,), "cropland": (40,), "urban": (50,)},
    **{"bare": (60,), "water_wetland": (80, 90, 95)},
}


class Legend(NamedTuple):
    """Groups of classes of a raster of land cover, and how they were read."""

    groups: Mapping[str, tuple[int, ...]]
    words: str


class FirstEvidence(NamedTuple):
    """A layer of evidence in a first configuration."""

    kind: Role
    weight: float


def write_first_config(folder: Path, out: Path) -> list[str]:
    """Write a commented configuration for the layers of a folder.

    Parameters
    ----------
    folder
        Holds the layers, in sub-folders or not.
    out
        The YAML file to write. It loads as it is; what only a person knows is marked
        ``# TELL ME``.

    Returns
    -------
    list of str
        What was recognised, what was left out and why, and what a person has to fill in.

    Raises
    ------
    InputError
        If `out` exists, or the folder holds no layer that can be read.
    """
    if out.exists():
        raise InputError(f"{out} exists and is not overwritten. Choose another name.")
    found, left_out = scan_folder(folder)
    if not found:
        why = " ".join(left_out) or "It holds no file of a kind that is read."
        raise InputError(f"{folder} has no layer that can be used. {why}")
    named = _name_layers(found)
    root = Path(os.path.relpath(folder.resolve(), out.resolve().parent)).as_posix()
    if "${" in root or plain_text(root) != root:
        raise InputError(
            f"{root!r} has a character that does not print, or what data_root takes for an "
            "environment variable. Rename the folder."
        )
    text = _document(named, slug(folder.resolve().name), root)
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with out.open("xb") as file:
            file.write(text.encode())
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}.") from error
    return _lines(named, left_out, text)


def slug(text: str) -> str:
    """Make a name that a configuration takes: small letters, digits and underscores."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:40]
    return plain if re.match(r"[a-z]", plain) else f"area_{plain}".rstrip("_")


def _name_layers(found: Sequence[Found]) -> dict[str, Found]:
    """Name the layers: one by its role where there is one of a kind, others by their own name."""
    chosen = {role: _best(found, role) for role in _NAMED_BY_ROLE}
    named: dict[str, Found] = {}
    for item in found:
        name = slug(item.layer or Path(item.file).stem)
        if item.role is not None and chosen.get(item.role) is item:
            name = str(item.role)
        elif name in named or name in _NAMED_BY_ROLE:
            name = slug(f"{Path(item.file).stem}_{name}")
        base, number = name, 2
        while name in named:
            name, number = f"{base}_{number}", number + 1
        named[name] = item
    return named


def _best(found: Sequence[Found], role: Role) -> Found | None:
    """Of several layers of a role, take the finest raster, or the vector with most features."""
    fitting = [item for item in found if item.role == role]
    return min(fitting, key=lambda item: (item.cell_m, -item.count), default=None)


def _document(layers: dict[str, Found], name: str, root: str) -> str:
    crs, reason = choose_crs(layers)
    evidence = {
        key: FirstEvidence(item.role, _WEIGHTS[item.role])
        for key, item in layers.items()
        if item.role is not None and item.role in _WEIGHTS
    }
    return page(
        "first_config.yaml.j2",
        ENGLISH,
        folder=TEMPLATES,
        tell=TELL,
        name=name,
        title=name.replace("_", " ").capitalize(),
        crs=crs,
        crs_reason=reason,
        root=root,
        layers=layers,
        evidence=evidence,
        any_feature=any(
            key in _FEATURE_LAYERS or item.role in _FEATURE_ROLES or item.events is not None
            for key, item in layers.items()
        ),
        legend_of=_legend,
        quoted=_quoted,
        named=_named,
    )


def _quoted(text: str) -> str:
    """Write text as YAML in double quotes; what does not print, by its number."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in ('"', "\\"):
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def _named(name: str) -> str:
    """Write a name as YAML: in quotes if it would be read as something else, such as ``no``."""
    return name if yaml.safe_load(name) == name else _quoted(name)


def _legend(item: Found) -> Legend:
    values = set(item.values)
    if values and values <= set(range(18)):
        return Legend(_IGBP, "read as IGBP classes")
    if values and values <= {10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100}:
        return Legend(_WORLDCOVER, "read as ESA WorldCover classes")
    codes = item.values or (1,)
    return Legend({f"class_{code}".replace("-", "m"): (code,) for code in codes}, "not known")


def choose_crs(named: dict[str, Found]) -> tuple[str, str]:
    """Choose a projected CRS in metres for the extent of the layers, and why."""
    area = named.get("boundary")
    inner = [area] if area else [item for item in named.values() if item.dimension is not None]
    items = inner or list(named.values())
    west, south = (min(item.bounds[side] for item in items) for side in (0, 1))
    east, north = (max(item.bounds[side] for item in items) for side in (2, 3))
    middle, height = (west + east) / 2, (south + north) / 2
    if west >= -12 and east <= 32 and south >= 34 and north <= 72:
        return "EPSG:3035", "equal areas in Europe"
    zone = min(60, int((middle + 180) // 6) + 1)
    code = (32600 if height >= 0 else 32700) + zone
    wide = f"; {TELL}: {east - west:.0f} degrees are wide for it" if east - west > 9 else ""
    return f"EPSG:{code}", f"UTM zone {zone}, from the extent of the layers{wide}"


def _lines(named: dict[str, Found], left_out: list[str], text: str) -> list[str]:
    lines = []
    for key, item in named.items():
        if item.role is None:
            lines.append(f"found       {item.words}: use not known, listed as {key}, not used")
        elif item.role in _NAMED_BY_ROLE and key != item.role:
            role = _WORDS.get(item.role, item.role)
            lines.append(f"found       {item.words}: another {role}, listed as {key}, not used")
        else:
            role = _WORDS.get(item.role, item.role)
            lines.append(f"recognised  {item.words}: {role}, as {key}")
    lines += [f"left out    {line}" for line in left_out]
    questions: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        before, mark, question = line.partition(f"{TELL}: ")
        if mark:
            key = before.strip(" #-").split(":")[0]
            questions.setdefault(f"{key}: {question}", []).append(str(number))
    lines += [f"tell me     {words} (line {', '.join(at)})" for words, at in questions.items()]
    return lines
