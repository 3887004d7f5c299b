"""How is the interval made, and what does it promise?

The members of the ensemble were each trained on other blocks of land; how far they differ is a spread. How far held-out
blocks really were off is measured, and the spread is stretched until as many blocks are held as is stated. The promise
is for the share found in land like the held-out blocks, not for a single cell: [the test](../validity.md).
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import minerisk

rng = np.random.default_rng(4)
X = pd.DataFrame(rng.uniform(0, 80_000, (3_000, 2)), columns=["easting", "northing"])
X["line_distance_m"] = (X["easting"] - 40_000).abs()
block = (X["easting"] // 8_000 + 100 * (X["northing"] // 8_000)).astype(int)
peculiar = dict(zip(block.unique(), rng.normal(0, 0.7, block.nunique()), strict=True))
odds = np.exp(-0.5 - X["line_distance_m"] / 8_000 + block.map(peculiar))
y = rng.random(3_000) < odds / (1 + odds)

model = minerisk.RiskClassifier(minerisk.LogisticEnsemble(), interval=0.9).fit(X, y).model_
scaler = model.interval
print(
    f"level {scaler.level:.0%}: spread × {scaler.scale:.2f}, blocks differ by {scaler.block_sd:.2f}"
    f" (log-odds), stretched × {scaler.stretch:.2f}"
)

along = pd.DataFrame(
    {"easting": 0.0, "northing": 0.0, "line_distance_m": np.linspace(0, 40_000, 100)}
)
said = model.predict(along)
fig, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
ax.fill_between(
    along["line_distance_m"] / 1_000, said.lower, said.upper, color="#d4b9da", label="90 % interval"
)
ax.plot(along["line_distance_m"] / 1_000, said.probability, color="#4d004b", label="probability")
ax.set(xlabel="distance to the line, km", ylabel="probability")
ax.legend()
