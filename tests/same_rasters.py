"""Compare the rasters of two runs: ``python tests/same_rasters.py OLD NEW``.

Two rasters are the same when size, transform, CRS, kind of number, nodata and every cell agree.
Tags and statistics do not count. An OLD run that has no ``probability_unmasked.tif`` has numbers
where the model cannot say, too: its ``probability.tif`` is compared with that raster, and its ends
where the model can speak.
"""

import sys
from pathlib import Path

import numpy as np
import rasterio

UNMASKED = "probability_unmasked.tif"
ENDS = ("probability_lower.tif", "probability_upper.tif")
RENAMED = {"applicability.tif": "dissimilarity.tif"}


def differences(old: Path, new: Path, *, spoken: Path | None = None) -> list[str]:
    """Compare one raster with another, and list what differs.

    With `spoken`, an area of applicability, `new` must hold nothing where that is 0.
    """
    with rasterio.open(old) as one, rasterio.open(new) as two:
        facts = ("shape", "count", "dtypes", "transform", "crs", "nodata")
        found = [name for name in facts if repr(getattr(one, name)) != repr(getattr(two, name))]
        before, after = one.read(), two.read()
        if spoken is not None:
            with rasterio.open(spoken) as area:
                before = np.where(area.read() == 1, before, np.float32(np.nan))
        if not found and not np.array_equal(before, after, equal_nan="f" in one.dtypes[0]):
            found.append("values")
    return found


def main(old: Path, new: Path) -> int:
    """Compare all rasters of two run folders; give the exit code."""
    rasters = sorted((old / "rasters").rglob("*.tif"))
    failed = 0
    for path in rasters:
        other = new / path.relative_to(old)
        if not other.exists():
            other = other.with_name(RENAMED.get(other.name, other.name))
        spoken = None
        if not path.with_name(UNMASKED).exists():
            if path.name == "probability.tif":
                other = other.with_name(UNMASKED)
            elif path.name in ENDS:
                spoken = other.with_name("area_of_applicability.tif")
        found = differences(path, other, spoken=spoken) if other.exists() else ["missing"]
        failed += bool(found)
        sys.stdout.write(f"{other.relative_to(new)}: {', '.join(found) or 'the same'}\n")
    sys.stdout.write(f"{len(rasters) - failed} of {len(rasters)} rasters are the same\n")
    return 1 if failed or not rasters else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
