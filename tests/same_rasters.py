"""Compare the rasters of two runs: ``python tests/same_rasters.py OLD NEW``.

Two rasters are the same when size, transform, CRS, kind of number, nodata and every cell agree.
Tags and statistics do not count.
"""

import sys
from pathlib import Path

import numpy as np
import rasterio

RENAMED = {"applicability.tif": "dissimilarity.tif"}


def differences(old: Path, new: Path) -> list[str]:
    """Compare one raster with another, and list what differs."""
    with rasterio.open(old) as one, rasterio.open(new) as two:
        facts = ("shape", "count", "dtypes", "transform", "crs", "nodata")
        found = [name for name in facts if repr(getattr(one, name)) != repr(getattr(two, name))]
        if not found and not np.array_equal(one.read(), two.read(), equal_nan="f" in one.dtypes[0]):
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
        found = differences(path, other) if other.exists() else ["missing"]
        failed += bool(found)
        sys.stdout.write(f"{other.relative_to(new)}: {', '.join(found) or 'the same'}\n")
    sys.stdout.write(f"{len(rasters) - failed} of {len(rasters)} rasters are the same\n")
    return 1 if failed or not rasters else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
