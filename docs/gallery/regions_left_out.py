"""How good is it in a district that nobody surveyed? Regions left out, with a table of one's own

Each region is left out whole and scored by a model that never saw it. What the first fifth of the land finds there is
what a survey can expect in a new district; the rule "nearest to the line first" stands beside it.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import cross_val_predict

import minerisk
import minerisk.plot

rng = np.random.default_rng(3)
X = pd.DataFrame(rng.uniform(0, 60_000, (2_000, 2)), columns=["easting", "northing"])
X["line_distance_m"] = (X["easting"] - 30_000).abs()
X["road_distance_m"] = rng.gamma(2, 800, 2_000)
X["municipality"] = (X["northing"] // 10_000).astype(int)
chance = 0.5 * np.exp(-X["line_distance_m"] / 6_000 - X["road_distance_m"] / 2_000)
y = (rng.random(2_000) < chance).astype(int)

features = X.drop(columns="municipality")
model = minerisk.RiskClassifier(minerisk.LogisticEnsemble())
held_out = cross_val_predict(
    model,
    features,
    y,
    cv=minerisk.LeaveRegionOut(),
    groups=X["municipality"],
    method="predict_proba",
)[:, 1]
# Each place stands for 6.25 ha, a cell of 250 m.
measures = minerisk.score(y, held_out, cell_ha=6.25)
print(
    {name: round(measures[name], 3) for name in ("roc_auc", "average_precision", "found_in_top_20")}
)

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
minerisk.plot.capture(y, {"model": held_out, "nearest line first": -X["line_distance_m"]}, ax=left)
minerisk.plot.reliability(y, held_out, blocks=X["municipality"], bins=8, ax=right)
