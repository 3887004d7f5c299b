"""Where may a model of my table speak? The area of applicability of a table

A table of surveyed places, and new places for which a model is wanted. Those that are unlike anything that was
surveyed get no statement: the answer there is *cannot say*, and not "low".
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import minerisk

rng = np.random.default_rng(1)
surveyed = pd.DataFrame(rng.uniform(0, 40_000, (800, 2)), columns=["easting", "northing"])
surveyed["line_distance_m"] = (surveyed["easting"] - 20_000).abs()
surveyed["slope_deg"] = rng.gamma(2, 4, 800).clip(max=25)
found = rng.random(800) < 0.5 * np.exp(-surveyed["line_distance_m"] / 5_000)

model = minerisk.RiskClassifier(minerisk.LogisticEnsemble()).fit(surveyed, found).model_

new = pd.DataFrame(
    {
        "easting": 0.0,
        "northing": 0.0,
        "line_distance_m": 2_000.0,
        "slope_deg": np.linspace(0, 60, 200),
    }
)
said = model.predict(new)
print(f"{said.applicable.mean():.0%} of the new places are inside the area of applicability")
print(
    f"the steepest place that the model speaks for: {new['slope_deg'][said.applicable].max():.0f}°;"
    f" the steepest that was surveyed: {surveyed['slope_deg'].max():.0f}°"
)

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot(new["slope_deg"], said.dissimilarity / model.applicability.threshold)
ax.axhline(1, color="grey", linestyle=":")
ax.set(
    xlabel="slope, degrees", ylabel="dissimilarity by its threshold", title="above 1: cannot say"
)
