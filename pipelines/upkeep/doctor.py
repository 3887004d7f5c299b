"""`minerisk doctor`: what is installed, what the machine has, and what to do about it."""

import os
import platform
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.extras import PURPOSE, Extra, missing_modules
from minerisk.pipelines.upkeep.diagnosis import Check, Diagnosis, Subject, Verdict

GB = 1e9
LEAST_MEMORY_GB, LEAST_DISK_GB = 3.5, 2.0
RASTER_DRIVERS = ("GTiff", "COG")
VECTOR_DRIVERS = ("GPKG", "GeoJSON", "ESRI Shapefile", "FlatGeobuf", "KML")
LETTERS = "əğışçöüЖя"
"""Of Azerbaijani and Russian: a font without them leaves boxes on maps."""


def diagnose(folder: Path) -> Diagnosis:
    """Look at the installation and the machine; nothing is changed, nothing is sent.

    Parameters
    ----------
    folder
        Where runs are to be kept: its disk is looked at.
    """
    looks: tuple[Callable[[], Check], ...] = (
        _minerisk,
        _packages,
        _extras,
        _raster_drivers,
        _vector_drivers,
        _coordinates,
        _cores,
        _memory,
        lambda: _disk(folder),
        _store,
        _fonts,
    )
    return Diagnosis(checks=tuple(look() for look in looks))


def diagnosis_lines(found: Diagnosis) -> Iterator[str]:
    """Write the checks for a person at a terminal."""
    for check in found.checks:
        yield f"{check.verdict:<8} {check.subject:<15} {check.found}"
        if check.advice:
            yield f"{'':<24} → {check.advice}"
    wrong = sum(check.verdict is Verdict.PROBLEM for check in found.checks)
    yield f"{wrong} problem{'s' if wrong != 1 else ''}."


def _minerisk() -> Check:
    home = Path(__file__).resolve().parents[2]
    found = f"{version('minerisk')} in {home}, Python {platform.python_version()}"
    return Check(subject=Subject.MINERISK, verdict=Verdict.OK, found=found)


def _packages() -> Check:
    from packaging.requirements import Requirement

    asked = [Requirement(line) for line in requires("minerisk") or ()]
    base = [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = []
    for one in base:
        try:
            own = version(one.name)
        except PackageNotFoundError:
            wrong.append(f"{one.name} is missing")
            continue
        if not one.specifier.contains(own, prereleases=True):
            wrong.append(f"{one.name} is {own}, and {one.specifier} is needed")
    if not wrong:
        found = f"all {len(base)} of the base are here"
        return Check(subject=Subject.PACKAGES, verdict=Verdict.OK, found=found)
    advice = "install again: pip install --force-reinstall minerisk"
    return _problem(Subject.PACKAGES, "; ".join(wrong), advice)


def _extras() -> Check:
    lacking = {extra: missing_modules(extra) for extra in Extra}
    here = [extra.value for extra, names in lacking.items() if not names]
    found = f"{', '.join(here) or 'none'} installed"
    away = [extra for extra, names in lacking.items() if names]
    if not away:
        return Check(subject=Subject.EXTRAS, verdict=Verdict.OK, found=found)
    advice = "; ".join(f"for {PURPOSE[one]}: pip install 'minerisk[{one}]'" for one in away)
    return Check(subject=Subject.EXTRAS, verdict=Verdict.NOTE, found=found, advice=advice)


def _raster_drivers() -> Check:
    import rasterio

    with rasterio.Env() as env:
        known = set(env.drivers())
    return _drivers(
        Subject.RASTER_DRIVERS, f"GDAL {rasterio.__gdal_version__}", RASTER_DRIVERS, known
    )


def _vector_drivers() -> Check:
    import pyogrio

    known = {name for name, can in pyogrio.list_drivers().items() if "r" in can}
    gdal = ".".join(map(str, pyogrio.__gdal_version__))
    return _drivers(Subject.VECTOR_DRIVERS, f"GDAL {gdal}", VECTOR_DRIVERS, known)


def _drivers(subject: Subject, gdal: str, asked: tuple[str, ...], known: set[str]) -> Check:
    lacks = [name for name in asked if name not in known]
    if not lacks:
        found = f"{gdal}: {', '.join(asked)}"
        return Check(subject=subject, verdict=Verdict.OK, found=found)
    advice = "use the packages of PyPI (pip install --force-reinstall rasterio pyogrio)"
    return _problem(subject, f"{gdal} lacks {', '.join(lacks)}", advice)


def _coordinates() -> Check:
    import pyproj

    try:
        across = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32638", always_xy=True)
        easting, _ = across.transform(45.0, 40.0)
    except pyproj.exceptions.ProjError as error:
        advice = "unset PROJ_DATA and PROJ_LIB if another program has set them"
        return _problem(Subject.COORDINATES, f"PROJ does not work: {error}", advice)
    if abs(easting - 500_000) > 1:
        return _problem(Subject.COORDINATES, "PROJ computes a wrong place", "install pyproj again")
    found = f"PROJ {pyproj.proj_version_str}, data in {pyproj.datadir.get_data_dir()}"
    return Check(subject=Subject.COORDINATES, verdict=Verdict.OK, found=found)


def _cores() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = f"{cores} of {os.cpu_count()}"
    if (cores or 1) > 1:
        return Check(subject=Subject.CORES, verdict=Verdict.OK, found=found)
    advice = "a run takes about twice as long as on two"
    return Check(subject=Subject.CORES, verdict=Verdict.NOTE, found=found, advice=advice)


def _memory() -> Check:
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GB
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    usable = whole if limit == resource.RLIM_INFINITY else min(whole, limit / GB)
    found = f"{usable:.1f} GB" + (" (limited by ulimit -v)" if usable < whole else "")
    if usable >= LEAST_MEMORY_GB:
        return Check(subject=Subject.MEMORY, verdict=Verdict.OK, found=found)
    advice = "4 GB are enough for a district; use --workers 1 and larger cells, or raise the limit"
    return _problem(Subject.MEMORY, found, advice)


def _disk(folder: Path) -> Check:
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    left = shutil.disk_usage(place).free / GB
    found = f"{left:.1f} GB of room at {place}"
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        advice = "choose a folder that this account may write, or change its permissions"
        return _problem(Subject.DISK, f"{place} cannot be written: {error.strerror}", advice)
    if left < LEAST_DISK_GB:
        advice = f"make room: a run of a district needs about {LEAST_DISK_GB:g} GB"
        return _problem(Subject.DISK, found, advice)
    return Check(subject=Subject.DISK, verdict=Verdict.OK, found=found)


def _store() -> Check:
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if missing_modules(Extra.TRAIN):
        found = "no MLflow here: runs can be read, asked and audited, and none trained"
        return Check(subject=Subject.STORE, verdict=Verdict.NOTE, found=found)
    if not uri:
        found = "SQLite in each run folder (MLFLOW_TRACKING_URI is not set)"
        return Check(subject=Subject.STORE, verdict=Verdict.OK, found=found)
    from minerisk.pipelines.tracking.drivers import check_driver, shown
    from minerisk.pipelines.tracking.mlflow_record import store_client

    try:
        check_driver(uri)
        with store_client(uri) as client:
            client.search_registered_models(max_results=1)
    except InputError as error:
        advice = "start the server, or unset MLFLOW_TRACKING_URI"
        return _problem(Subject.STORE, str(error), advice)
    return Check(subject=Subject.STORE, verdict=Verdict.OK, found=f"{shown(uri)} answers")


def _fonts() -> Check:
    from matplotlib.font_manager import findfont
    from matplotlib.ft2font import FT2Font

    path = findfont("DejaVu Sans")
    letters = FT2Font(path).get_charmap()
    lacks = [letter for letter in LETTERS if ord(letter) not in letters]
    if not lacks:
        found = f"{Path(path).name} has the letters of Azerbaijani and Russian"
        return Check(subject=Subject.FONTS, verdict=Verdict.OK, found=found)
    advice = "install matplotlib again, which brings DejaVu Sans"
    return _problem(Subject.FONTS, f"{Path(path).name} lacks {' '.join(lacks)}", advice)


def _problem(subject: Subject, found: str, advice: str) -> Check:
    return Check(subject=subject, verdict=Verdict.PROBLEM, found=found, advice=advice)
