# %% [markdown]
# # From nothing to a map in ten minutes
#
# Open layers of real land come with the package; every finding here is SIMULATED, and nobody may use the map in the
# field. On your own land, replace the example by your layers: `minerisk init my_layers/` writes the first settings.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt

import minerisk
import minerisk.plot
from minerisk import datasets

area = datasets.tiny()
print(area.config.study_area.title)
print("layers:", ", ".join(area.layers.names()))
print("grid:", area.geobox.shape.yx, "cells of", area.config.study_area.resolution_m, "m")

# %% [markdown]
# ## What the layers say
#
# A feature is asked for as in a configuration, and comes as a Dataset.

# %%
line = minerisk.build_feature(
    area.layers,
    area.geobox,
    {"kind": "front_line", "layer": "front_line", "held_area": "area_held"},
)
for name, values in line.data_vars.items():
    print(f"{name}: {values.attrs['words']}")
first = list(line.data_vars)[0]
line[first].plot(cmap="cividis", figsize=(5, 4))
plt.gca().set_aspect("equal")

# %% [markdown]
# ## A run
#
# `minerisk run` does everything from the layers to the report, and can be stopped and started again. In a shell:
#
#     minerisk example tiny --out my_first
#     minerisk run my_first/tiny.yaml --out runs/tiny
#
# It takes a minute or two; here it was made before.

# %%
run = minerisk.Run.open(Path(os.environ.get("GALLERY_RUN", "runs/tiny")))
table = run.cube()[list(run.model().features)]
print(len(table.data_vars), "features of", table.sizes["y"] * table.sizes["x"], "cells")

# %% [markdown]
# ## The map
#
# The probability is given where the model can speak. White land is not low: there the model *cannot say*.

# %%
risk = minerisk.predict_dataset(run.model(), run.cube())
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
risk["probability"].plot(ax=left, cmap="BuPu")
left.set(title="probability · SIMULATED findings", aspect="equal")
minerisk.plot.dissimilarity(risk, ax=right)

# %% [markdown]
# ## What it promises
#
# A probability comes with an interval. Both were calibrated on land that was held out whole.

# %%
print(f"the model speaks for {float((risk['area_of_applicability'] == 1).sum()):.0f} cells")
