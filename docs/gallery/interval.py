"""How is the interval made, and what does it promise?

The members of the ensemble were each trained on other blocks of land; how far they differ is a spread. How far held-out
blocks really were off is measured, and the spread is stretched until as many blocks are held as is stated. The promise
is for the share found in land like the held-out blocks and about as large, not for a single cell:
[the test](../validity.md). It is worth what the blocks are worth that it is made of. Here the land is made up, so that
the true share of new land is known: made of a few dozen blocks, an interval of 90 % holds more or less than that.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import minerisk


def land(rng, rows):
    """Places at random, the true chance of each, and its block: blocks are off by chance."""
    X = pd.DataFrame(rng.uniform(0, 80_000, (rows, 2)), columns=["easting", "northing"])
    X["line_distance_m"] = (X["easting"] - 40_000).abs()
    block = (X["easting"] // 16_000 + 10 * (X["northing"] // 16_000)).astype(int)
    odds = np.exp(-0.5 - X["line_distance_m"] / 8_000 + rng.normal(0, 0.7, 100)[block])
    return X, odds / (1 + odds), block


for seed in (6, 5, 4):
    rng = np.random.default_rng(seed)
    X, chance, _ = land(rng, 3_000)
    y = rng.random(3_000) < chance
    model = minerisk.RiskClassifier(minerisk.LogisticEnsemble(), interval=0.9).fit(X, y).model_
    scaler, held = model.interval, []
    for _ in range(20):
        X, chance, block = land(rng, 3_000)
        said = model.predict(X)
        mean = pd.DataFrame({"true": chance, "lower": said.lower, "upper": said.upper})
        mean = mean.groupby(block).mean()
        held.append(mean["true"].between(mean["lower"], mean["upper"]).mean())
    print(
        f"level {scaler.level:.0%}: spread × {scaler.scale:.2f}, blocks differ by "
        f"{scaler.block_sd:.2f} (log-odds), stretched × {scaler.stretch:.2f}; made of "
        f"{scaler.blocks} blocks, holds the true share of {np.mean(held):.0%} of 500 new ones"
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
