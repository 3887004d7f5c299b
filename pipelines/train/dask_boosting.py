"""Training of a booster by the workers of a Dask cluster, where one memory is too little."""

import re
from collections.abc import Mapping
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from minerisk.pipelines.run.cluster import Scheduler, connected

_LOCAL = re.compile(r"^\[(machines|local_listen_port|num_machines|time_out): .*\]\n", re.MULTILINE)


def train_on_dask(
    matrix: NDArray[np.float32],
    target: NDArray[np.float32],
    weight: NDArray[np.float64],
    *,
    parameters: Mapping[str, Any],
    rounds: int,
    scheduler: Scheduler,
) -> lgb.Booster:
    """Train a booster on the rows of positive weight, spread over the workers of a cluster.

    Parameters
    ----------
    matrix, target, weight
        Features, shape ``(n, p)``, NaN allowed; what is learned and the weight, shape ``(n,)``.
        One worker's share of the rows is read at a time, so they may be memory maps.
    parameters
        Of LightGBM, under its own names.
    rounds
        Number of trees.
    scheduler
        Each of its workers keeps its share of the rows.

    Returns
    -------
    lightgbm.Booster
        Each worker bins some of the columns by the rows it has, and the order of workers is not
        the same every time. So trees differ from those of one process, and from one call to the
        next, as those of two random seeds do.

    Notes
    -----
    Data-parallel training by `lightgbm.dask`. Workers open ports to each other, without TLS.
    """
    from dask import array
    from lightgbm.dask import DaskLGBMRegressor

    rows = np.flatnonzero(weight > 0)
    with connected(scheduler) as client, client.as_current():
        workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
        parts = np.array_split(rows, len(workers))

        def spread(values: NDArray[np.floating]) -> array.Array:
            blocks = [
                array.from_delayed(
                    client.scatter(values[part], workers=[worker], hash=False),
                    shape=(len(part), *values.shape[1:]),
                    dtype=values.dtype,
                )
                for part, worker in zip(parts, workers, strict=True)
            ]
            return array.concatenate(blocks)

        # The regressor leaves the objective as it is given; the rows are 0 and 1 as they are.
        own = {name: value for name, value in parameters.items() if name != "num_threads"}
        model = DaskLGBMRegressor(client=client, n_estimators=rounds, **own)
        model.fit(spread(matrix), spread(target), sample_weight=spread(weight))
        text = model.booster_.model_to_string()
    # Addresses of the workers are no part of a model.
    return lgb.Booster(model_str=_LOCAL.sub("", text))
