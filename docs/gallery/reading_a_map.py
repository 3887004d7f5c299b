"""What does the map say, and where can it not say?

The classes of a run, the probability with its interval, and the grey land of which the model cannot say anything. A
grey cell is not a low one: ask for the layers or the survey that would make it speak.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import rasterio

import minerisk

run = minerisk.Run.open(Path(os.environ.get("GALLERY_RUN", "runs/tiny")))
with rasterio.open(run.folder / "rasters" / "risk_class.tif") as raster:
    print(raster.tags()["CLASSES"][:200] if "CLASSES" in raster.tags() else raster.tags())
risk = minerisk.predict_dataset(run.model(), run.cube())
spoken = risk["area_of_applicability"].where(risk["area_of_applicability"] < 255)
print(f"the model speaks for {float((spoken == 1).sum() / spoken.notnull().sum()):.0%} of the land")

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
risk["probability"].plot(ax=left, cmap="BuPu")
left.set(title="probability (white: cannot say) · SIMULATED findings", aspect="equal")
minerisk.plot.dissimilarity(risk, ax=right)
