import numpy as np

from minerisk.models.estimators.remembered import Remembered
from minerisk.models.survey_bias.non_negative import NonNegativePU


def test_risks_of_several_priors_share_the_bins_of_their_rows() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(1_500, 4))
    y = ((X[:, 0] > 0.8) & (rng.random(1_500) < 0.5)).astype(int)
    known = Remembered()
    for prior in (0.3, 0.2, 0.4):
        shared = NonNegativePU(prior, trees=15).fit(X, y, known=known)
        alone = NonNegativePU(prior, trees=15).fit(X, y)
        np.testing.assert_array_equal(shared.predict_proba(X), alone.predict_proba(X))
