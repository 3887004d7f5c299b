"""A Dask cluster is spoken to by TLS, or not beyond this machine; losses are told as without."""

from functools import partial
from pathlib import Path

import pytest

from minerisk.features.errors import InputError
from minerisk.pipelines.run.cluster import Scheduler, connected
from minerisk.pipelines.run.workers import Workers

TILE = """
import time

def tile(folder, number):
    time.sleep(0.2)
    with (folder / str(number)).open("a") as stream:
        stream.write("x")
    return number
"""


@pytest.fixture
def tile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "tiles_over_tls.py").write_text(TILE)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "done").mkdir()
    import tiles_over_tls

    return partial(tiles_over_tls.tile, tmp_path / "done")


def visits(tmp_path: Path) -> int:
    return sum(len(path.read_text()) for path in (tmp_path / "done").iterdir())


def test_over_tls_a_lost_worker_costs_its_tile_and_a_lost_scheduler_is_told(
    tile, tmp_path: Path, tls: Path, dask_cluster
) -> None:
    cluster = dask_cluster(tls)
    assert cluster.address.startswith("tls://127.0.0.1:")
    workers = Workers(scheduler=cluster.address, tls=tls)
    results = workers.run(tile, range(12))
    found = [next(results) for _ in range(3)]
    cluster.workers[0].kill()
    assert sorted([*found, *results]) == list(range(12))
    assert visits(tmp_path) <= 12 + 2  # the tile it was at, and one whose answer was lost with it
    again = workers.run(tile, range(12))
    next(again)
    cluster.scheduler.kill()
    with pytest.raises(InputError, match=r"scheduler at tls.* was lost.* same command again"):
        list(again)


def test_nobody_without_a_certificate_of_the_authority_is_let_in(
    tmp_path: Path, tls: Path, authority, dask_cluster
) -> None:
    from distributed import Client

    cluster = dask_cluster(tls)
    host, port = cluster.address.removeprefix("tls://").split(":")
    other = authority(tmp_path / "other")
    with pytest.raises(InputError, match=r"No Dask scheduler answers.*of one authority"):
        connected(Scheduler(cluster.address, other))
    with pytest.raises(OSError, match=r"Timed out|closed|reset"):
        Client(f"tcp://{host}:{port}", timeout="2s", set_as_default=False)


@pytest.mark.parametrize(
    "address",
    ["tcp://10.0.0.1:8786", "10.0.0.1:8786", "tcp://scheduler:8786", "tcp://[2001:db8::1]:8786"],
)
def test_without_tls_no_other_machine_is_spoken_to_unless_it_is_said(address: str) -> None:
    with pytest.raises(InputError, match="speaks without TLS: whoever reaches its port"):
        Scheduler(address).check()
    Scheduler(address, trust_network=True).check()


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:8786", "127.9.9.9:1", "tcp://localhost:8786", "tcp://[::1]:8786"]
)
def test_without_tls_this_machine_is_spoken_to(address: str) -> None:
    Scheduler(address).check()


def test_address_and_certificates_have_to_go_together(tls: Path) -> None:
    for scheduler in (Scheduler("tls://10.0.0.1:8786"), Scheduler("tcp://127.0.0.1:8786", tls)):
        with pytest.raises(InputError, match="expected both"):
            scheduler.check()
    with pytest.raises(InputError, match="expected tls://"):
        Scheduler("ws://10.0.0.1:8786", tls).check()
    (tls / "key.pem").unlink()
    with pytest.raises(InputError, match=r"has no file key\.pem"):
        Scheduler("tls://10.0.0.1:8786", tls).check()


def test_a_file_that_is_no_certificate_is_told(tls: Path) -> None:
    (tls / "cert.pem").write_text("nothing")
    with pytest.raises(InputError, match="of one authority"):
        connected(Scheduler("tls://127.0.0.1:1", tls))
