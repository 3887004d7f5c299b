"""How do I bring survey results back?

What a survey found is added to the run and held against what was predicted there; the run itself is not changed. A
later run learns from it: [how](../feedback.md).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd

run = Path(os.environ.get("GALLERY_RUN", "runs/tiny"))
with TemporaryDirectory(dir=run.parent.parent) as place:
    copy, results = Path(place) / "run", Path(place) / "results.gpkg"
    shutil.copytree(run, copy)
    tasks = gpd.read_file(copy / "tasks.gpkg", layer="tasks").head(4)
    surveyed = tasks[["geometry"]].assign(
        outcome="no find",
        date="2026-05-01",
        method="visual",
        reliability=0.8,
        searched_ha=tasks.area / 10_000,
    )
    surveyed.loc[0, "outcome"], surveyed.loc[0, "geometry"] = (
        "find",
        tasks.representative_point()[0],
    )
    surveyed.to_file(results)
    for asked in (["feedback", "add", copy, results], ["feedback", "show", copy]):
        done = subprocess.run(
            [sys.executable, "-m", "minerisk", *asked], capture_output=True, text=True
        )
        print("minerisk", *asked[:2])
        print((done.stdout or done.stderr).replace(place, "…"))
