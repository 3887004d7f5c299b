"""What do my layers say of each cell? Features as functions from layers and a grid

Every kind of feature of a study area can be built at a prompt, of files or of tables in memory, on any grid. `minerisk
kinds` lists them with their settings.
"""

import matplotlib.pyplot as plt

import minerisk
from minerisk import datasets

area = datasets.tiny()
asked = [
    {"kind": "terrain", "layer": "elevation", "radii_m": [2000]},
    {"kind": "front_line", "layer": "front_line", "held_area": "area_held"},
    {"kind": "distance", "layer": "settlements", "cap_m": 10000},
]
built = [minerisk.build_feature(area.layers, area.geobox, feature) for feature in asked]
for dataset in built:
    for name, values in dataset.data_vars.items():
        print(f"{name:<28} {values.attrs['unit']:<7} {values.attrs['words']}")

fig, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
for ax, dataset in zip(axes, built, strict=True):
    name = list(dataset.data_vars)[0]
    dataset[name].plot(ax=ax, cmap="cividis")
    ax.set(title=name, xlabel="", ylabel="", aspect="equal", xticks=[], yticks=[])
