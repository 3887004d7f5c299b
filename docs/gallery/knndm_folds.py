"""Do my folds ask what the map will ask? kNNDM against random folds

Random folds test next door to training land, and so promise what the map will not keep. kNNDM makes folds whose test
rows are as far from training as the land to be predicted is from the surveyed land.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, cross_val_score

import minerisk
import minerisk.plot

rng = np.random.default_rng(2)
towns = rng.uniform(10_000, 90_000, (12, 2))
X = pd.DataFrame(
    np.concatenate([town + rng.normal(0, 1_500, (60, 2)) for town in towns]),
    columns=["easting", "northing"],
)
local = np.repeat(rng.normal(0, 1.5, 12), 60)  # what is peculiar to each place
X["altitude_m"] = 400 * np.repeat(rng.uniform(1, 4, 12), 60) + rng.normal(0, 20, len(X))
X["line_distance_m"] = (X["easting"] - 50_000).abs()
y = rng.random(len(X)) < 1 / (1 + np.exp(1 + X["line_distance_m"] / 15_000 - local))
land = rng.uniform(0, 100_000, (1_500, 2))

knndm = minerisk.KNNDM(4, target=land)
random = KFold(4, shuffle=True, random_state=0)
model = minerisk.RiskClassifier(
    minerisk.LightGBMEnsemble(members=2, trees=60, min_cells_in_leaf=10)
)
for name, folds in (("random", random), ("kNNDM", knndm)):
    print(
        f"{name:>7} folds: ROC-AUC {cross_val_score(model, X, y, cv=folds, scoring='roc_auc').mean():.2f}"
    )

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
minerisk.plot.folds(knndm.split(X, y), X, ax=left)
minerisk.plot.nearest_distances(
    {"random": random.split(X), "kNNDM": knndm.split(X, y)}, X, target=land, ax=right
)
