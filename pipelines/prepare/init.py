"""`minerisk init`: a first configuration from a folder of layers, with what is left to be told."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from minerisk.features.errors import InputError
from minerisk.pipelines.prepare.scan import Found, scan_folder

TELL = "TELL ME"
_EVIDENCE = {
    "find": ("find", 1.0),
    "confirmed": ("confirmed", 1.0),
    "accident": ("accident", 1.0),
    "cleared": ("cleared", 0.7),
    "suspicion": ("suspicion", 0.5),
}
_NAMED_BY_ROLE = ("elevation", "land_cover", "front_line", "held_area", "boundary", "surveyed")
_WORDS = {
    **{"find": "findings", "confirmed": "confirmed hazardous areas", "accident": "accidents"},
    **{"cleared": "areas worked on and handed over", "suspicion": "suspect areas"},
    **{"held_area": "held area", "front_line": "front line", "land_cover": "land cover"},
    **{"surveyed": "surveyed land", "classes": "raster of classes", "surface": "raster surface"},
}
_IGBP = {
    **{"forest": (1, 2, 3, 4, 5), "shrub": (6, 7), "savanna": (8, 9), "grass": (10,)},
    **{"cropland": (12, 14), "urban": (13,), "water_wetland": (0, 11)},
}
_WORLDCOVER = {
    **{"forest": (10,), "shrub": (20,), "grass": (30,), "cropland": (40,), "urban": (50,)},
    **{"bare": (60,), "water_wetland": (80, 90, 95)},
}


def write_first_config(folder: Path, out: Path) -> list[str]:
    """Write a commented configuration for the layers of a folder.

    Parameters
    ----------
    folder
        Holds the layers, in sub-folders or not.
    out
        The YAML file to write. It loads as it is; what only a person can say is marked
        ``# TELL ME``.

    Returns
    -------
    list of str
        What was recognised, what was left out and why, and what is to be told.

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
    text = "\n".join(_document(named, slug(folder.resolve().name), root)) + "\n"
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with out.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
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
        if chosen.get(item.role) is item:
            name = item.role
        elif name in named or name in _NAMED_BY_ROLE:
            name = slug(f"{Path(item.file).stem}_{name}")
        base, number = name, 2
        while name in named:
            name, number = f"{base}_{number}", number + 1
        named[name] = item
    return named


def _best(found: Sequence[Found], role: str) -> Found | None:
    """Of several layers of a role, take the finest raster, or the vector with most features."""
    fitting = [item for item in found if item.role == role]
    return min(fitting, key=lambda item: (item.cell_m, -item.count), default=None)


def _document(named: dict[str, Found], name: str, root: str) -> Iterator[str]:
    crs, why = choose_crs(named)
    yield "# A first configuration, written by `minerisk init`. Read it; answer each TELL ME."
    yield "study_area:"
    yield f"  name: {name}"
    yield f"  title: {json.dumps(name.replace('_', ' ').capitalize())}"
    tell = "" if "boundary" in named else f"  # {TELL}: the polygon layer of the land to be mapped"
    yield f"  boundary: boundary{tell}"
    yield f"  crs: {crs}  # {why}"
    yield "  resolution_m: 250"
    yield f"  # as_of: 2020-01-01  # {TELL}: if evidence after a day is to be left out, the day"
    yield ""
    yield f"data_root: {json.dumps(root, ensure_ascii=False)}"
    yield ""
    yield "layers:"
    for key, item in named.items():
        yield from _layer(key, item)
    yield ""
    yield "features:"
    yield from _features(named)
    yield ""
    yield "labels:"
    yield from _labels(named)


def _layer(key: str, item: Found) -> Iterator[str]:
    yield f"  {key}:"
    yield f"    kind: {'raster' if item.dimension is None else 'vector'}"
    yield f"    path: {json.dumps(item.file, ensure_ascii=False)}"
    if item.several_layers:
        yield f"    layer: {json.dumps(item.layer, ensure_ascii=False)}"
    if item.easting and item.northing:
        yield f"    crs: EPSG:4326  # {TELL}: read as degrees by the columns' names; is it so?"
        yield f"    easting: {json.dumps(item.easting, ensure_ascii=False)}"
        yield f"    northing: {json.dumps(item.northing, ensure_ascii=False)}"
    if item.role == "front_line":
        yield f"    position_error_m: 0  # {TELL}: how far off the line may be drawn, metres"
    if item.role == "elevation":
        yield "    unit: m"
        yield "    valid_range: [-500, 9000]"
    if item.dimension is None and item.role in ("land_cover", "classes"):
        yield "    resampling: nearest"
    yield f'    source: ""  # {TELL}: who made it, and when'
    if item.role in _EVIDENCE:
        yield f"    # date_column: date  # {TELL}: the column with the date of each record, if any"


def _features(named: dict[str, Found]) -> Iterator[str]:
    lines: list[str] = []
    for key, item in named.items():
        if key == "front_line":
            held = ["    held_area: held_area"] if "held_area" in named else []
            lines += ["  - kind: front_line", f"    layer: {key}", *held]
        elif item.role == "fortifications":
            lines += ["  - kind: fortifications", f"    layer: {key}"]
        elif key == "elevation":
            lines += ["  - kind: terrain", f"    layer: {key}"]
        elif item.role in ("settlements", "rivers", "roads"):
            lines += ["  - kind: distance", f"    layer: {key}"]
            if item.role == "settlements":
                lines += ["  - kind: density", f"    layer: {key}"]
        elif key == "land_cover":
            lines += ["  - kind: land_cover", f"    layer: {key}", *_groups(item)]
        elif item.role in ("classes", "surface"):
            lines += ["  - kind: value", f"    layer: {key}  # {TELL}: does it belong here?"]
    if not lines:
        lines = ["  - kind: terrain", f"    layer: elevation  # {TELL}: no feature was recognised"]
    yield from lines
    if not any(item.role == "front_line" for item in named.values()):
        yield f"  # - kind: front_line  # {TELL}: the layer of the former front line"
        yield "  #   layer: front_line"


def _groups(item: Found) -> Iterator[str]:
    values = set(item.values)
    if values and values <= set(range(18)):
        groups, words = _IGBP, "read as IGBP classes"
    elif values and values <= {10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100}:
        groups, words = _WORLDCOVER, "read as ESA WorldCover classes"
    else:
        codes = item.values or (1,)
        groups, words = {f"class_{code}".replace("-", "m"): (code,) for code in codes}, "not known"
    yield f"    groups:  # {TELL}: {words}; check the codes with the layer's legend"
    for name, codes in groups.items():
        yield f"      {name}: {list(codes)}"


def _labels(named: dict[str, Found]) -> Iterator[str]:
    yield "  positive:"
    evidence = [(key, item) for key, item in named.items() if item.role in _EVIDENCE]
    for key, item in evidence:
        word, weight = _EVIDENCE[item.role]
        yield f"    - layer: {key}"
        yield f"      evidence: {word}"
        yield f"      weight: {weight}  # {TELL}: how far it is believed, 0 to 1"
    if not evidence:
        yield f"    - layer: findings  # {TELL}: the layer of findings, accidents or suspect areas"
        yield "      evidence: find"
        yield "      weight: 1.0"
    if "surveyed" in named:
        yield "  surveyed: surveyed"
    else:
        yield f"  # surveyed: surveyed  # {TELL}: polygons of the land that people have searched"


def choose_crs(named: dict[str, Found]) -> tuple[str, str]:
    """Choose a projected CRS in metres for the extent of the layers, and say why."""
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
        role = _WORDS.get(item.role, item.role)
        if not item.role:
            lines.append(f"found       {item.words}: use not known, listed as {key}, not used")
        elif item.role in _NAMED_BY_ROLE and key != item.role:
            lines.append(f"found       {item.words}: another {role}, listed as {key}, not used")
        else:
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
