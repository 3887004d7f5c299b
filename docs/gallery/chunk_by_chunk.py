"""How do I predict a country in a notebook? A Dataset, chunk by chunk

`predict_dataset` takes the features of a grid to a Dataset of risk with the numbers of the rasters. In Dask's chunks
(`pip install 'minerisk[dask]'`) nothing is computed before it is asked for, and a chunk at a time.
"""

import os
from pathlib import Path

import minerisk

run = minerisk.Run.open(Path(os.environ.get("GALLERY_RUN", "runs/tiny")))
features = run.cube().chunk({"y": 30, "x": 30})
risk = minerisk.predict_dataset(run.model(), features)
print("chunks:", risk["probability"].chunks)
corner = risk[["probability", "probability_lower", "probability_upper"]].isel(
    y=slice(0, 30), x=slice(0, 30)
)
print(corner.mean().compute())
