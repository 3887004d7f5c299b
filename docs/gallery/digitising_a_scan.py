"""From a scanned map to a front line

A line of a colour on a scanned sheet becomes a layer with the error of its position: [all options](../digitise.md).
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import matplotlib.pyplot as plt

scan = Path(os.environ.get("GALLERY_DOCS", "docs")) / "digitise" / "jajce.jpg"
with TemporaryDirectory() as place:
    asked = [
        "digitise",
        str(scan),
        "--points",
        str(scan.with_suffix(".csv")),
        "--crs",
        "EPSG:4326",
        "--colour",
        "#6d353e",
        "--width",
        "4",
        "--frame",
        "0,0,600,560",
        "--out",
        f"{place}/jajce.gpkg",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "minerisk", *asked], capture_output=True, text=True, check=True
    )
    print(done.stdout.replace(place, "…"))
    lines = gpd.read_file(f"{place}/jajce.gpkg", layer="front_lines")
lines.plot(column="length_m", figsize=(5, 4), cmap="BuPu_r")
plt.title(
    f"{len(lines)} lines, off by {lines['position_error_m'][0]:.0f} m (one standard deviation)"
)
