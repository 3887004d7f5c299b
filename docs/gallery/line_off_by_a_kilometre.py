"""How do I say that a line is off by a kilometre?

By one line of the layer in the configuration:

    front_line: {kind: vector, path: line.gpkg, position_error_m: 1000}

`position_error_m` is one standard deviation of where the line may really lie: about two thirds of it are within that
distance of where it is drawn, and nearly all within twice as far. "Never off by more than a kilometre" is 500. Where nobody
knows, measure how far two drawings of the line, made apart, lie from each other. Beside the distance to the drawn line
the model then reads the distance that is to be expected of the true one: on the drawn line it is not 0.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import matplotlib.pyplot as plt
import shapely

import minerisk
from minerisk.features.layers import VectorSource

grid = minerisk.study_grid((0, 0, 12_000, 200), crs="EPSG:32638", resolution_m=100)
line = gpd.GeoDataFrame(
    geometry=[shapely.LineString([(6_000, -20_000), (6_000, 20_000)])], crs=32638
)
held = gpd.GeoDataFrame(geometry=[shapely.box(-20_000, -20_000, 6_000, 20_000)], crs=32638)

fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
with TemporaryDirectory() as folder:
    line.to_file(Path(folder) / "line.gpkg")
    held.to_file(Path(folder) / "held.gpkg")
    for error in (0, 1_000):
        layers = {
            "line": VectorSource(Path(folder) / "line.gpkg", position_error_m=error),
            "held": VectorSource(Path(folder) / "held.gpkg", position_error_m=error),
        }
        asked = {"kind": "front_line", "layer": "line", "held_area": "held"}
        built = minerisk.build_feature(layers, grid, asked)
        distance = built["front_expected_m" if error else "front_distance_m"]
        ax.plot(distance["x"] / 1_000, distance[0] / 1_000, label=f"position_error_m: {error}")
        print(
            error,
            "m of error: on the drawn line the distance is",
            float(distance[0].min().round()),
            "m",
        )
ax.set(xlabel="easting, km", ylabel="distance, km", title="distance to a line drawn at 6 km")
ax.legend()
