from functools import partial
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from minerisk.features.errors import InputError
from minerisk.models.estimators import estimators
from minerisk.models.estimators.estimators import LightGBMEnsemble
from minerisk.models.estimators.stored_members import members_from_files
from minerisk.pipelines.run.cluster import Scheduler
from minerisk.pipelines.train.dask_boosting import train_on_dask

ROWS = 6_000


def land(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(ROWS, 6)).astype(np.float32)
    X[rng.random(X.shape) < 0.02] = np.nan
    odds = 1.5 * np.nan_to_num(X[:, 0]) + np.sin(3 * np.nan_to_num(X[:, 1]))
    return X, (rng.random(ROWS) < 1 / (1 + np.exp(-odds))).astype(int)


def fitted(scheduler: str | None, seed: int = 7) -> LightGBMEnsemble:
    X, y = land(1)
    train_large = (
        None if scheduler is None else partial(train_on_dask, scheduler=Scheduler(scheduler))
    )
    ensemble = LightGBMEnsemble(
        members=2, kind="both", trees=40, forest_trees=20, seed=seed, threads=1,
        train_large=train_large,
    )  # fmt: skip
    weight = 1.0 + (X[:, 2] > 0)
    return ensemble.fit(X, y, sample_weight=weight, groups=np.arange(ROWS) // 50)


def test_a_cluster_trains_as_well_as_one_process(monkeypatch: pytest.MonkeyPatch):
    distributed = pytest.importorskip("distributed")
    X, y = land(2)
    own, other_seed = (fitted(None, seed).predict_proba(X)[:, 1] for seed in (7, 8))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        small = fitted(cluster.scheduler_address)
        assert np.array_equal(small.predict_proba(X)[:, 1], own)
        monkeypatch.setattr(estimators, "LARGE_BYTES", 10_000)
        ensemble = fitted(cluster.scheduler_address)
    found = ensemble.predict_proba(X)[:, 1]
    assert not np.array_equal(found, own)
    assert np.abs(found - own).mean() < 2 * np.abs(other_seed - own).mean()
    assert abs(roc_auc_score(y, found) - roc_auc_score(y, own)) < 0.01
    assert abs(log_loss(y, found) - log_loss(y, own)) < 0.01

    files = ensemble.members_.to_files()
    assert not any(b"127.0.0.1" in content for content in files.values())
    again = members_from_files(files, columns=6).log_odds(X, threads=1)
    assert np.array_equal(again, ensemble.member_log_odds(X))


def trained(scheduler: Scheduler) -> lgb.Booster:
    X, y = land(1)
    return train_on_dask(
        X, y.astype(np.float32), np.ones(len(y)), rounds=10, scheduler=scheduler,
        parameters={"objective": "binary", "num_leaves": 8, "verbose": -1},
    )  # fmt: skip


def test_over_tls_a_cluster_trains_and_what_is_lost_is_told(tls: Path, dask_cluster):
    X, y = land(2)
    cluster = dask_cluster(tls)
    assert cluster.address.startswith("tls://127.0.0.1:")
    scheduler = Scheduler(cluster.address, tls)
    assert roc_auc_score(y, trained(scheduler).predict(X)) > 0.75
    cluster.workers[0].kill()
    cluster.workers[0].wait()
    assert roc_auc_score(y, trained(scheduler).predict(X)) > 0.75  # by the worker that is left
    cluster.scheduler.kill()
    cluster.scheduler.wait()
    with pytest.raises(InputError, match="No Dask scheduler answers"):
        trained(scheduler)
