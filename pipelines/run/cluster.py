"""A Dask cluster that shares tiles, and who may speak to it.

Whoever reaches the port of a Dask scheduler or worker runs any code there, and reads what passes.
So a scheduler on another machine is spoken to by TLS, with certificates on both sides.
"""

import importlib
import ipaddress
import logging
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from minerisk.features.errors import InputError
from minerisk.pipelines.run.processes import AGAIN, do, late_words, lateness

log = logging.getLogger(__name__)

LOOK_S = 0.05
"""Seconds between looks at the answers of a cluster."""
CA, CERTIFICATE, KEY = "ca.pem", "cert.pem", "key.pem"
"""Files of a folder for TLS: of the authority, and what this side shows and holds."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Scheduler:
    """A Dask scheduler, and how it is spoken to.

    Attributes
    ----------
    address
        Such as ``tls://10.0.0.1:8786``.
    tls
        Folder with `CA`, `CERTIFICATE` and `KEY`; none is no TLS.
    trust_network
        Speak without TLS to a scheduler that is not on this machine.
    """

    address: str
    tls: Path | None = None
    trust_network: bool = False

    def check(self) -> None:
        """Refuse a scheduler that others could speak to, or listen in on.

        Raises
        ------
        InputError
            If address and certificates do not go together, a file is missing, or the way to the
            scheduler is open.
        """
        scheme = urlsplit(self.address).scheme if "://" in self.address else "tcp"
        if scheme not in {"tcp", "tls"}:
            raise InputError(
                f"The scheduler is {self.address}; expected tls://host:port, or on this machine "
                "tcp://127.0.0.1:port."
            )
        if (scheme == "tls") != (self.tls is not None):
            raise InputError(
                f"The scheduler is {self.address}, and --tls is "
                f"{'not given' if self.tls is None else self.tls}; expected both, tls://host:port "
                f"and a folder with {CA}, {CERTIFICATE} and {KEY}, or neither."
            )
        if self.tls is not None:
            for name in (CA, CERTIFICATE, KEY):
                if not (self.tls / name).is_file():
                    raise InputError(f"{self.tls} has no file {name}; docs/scale.md makes one.")
        elif not (self.trust_network or _on_this_machine(self.address)):
            raise InputError(
                f"The scheduler {self.address} is on another machine and speaks without TLS: "
                "whoever reaches its port runs any code there. Use tls:// and --tls (docs/scale.md)"
                "; or, where nobody else reaches the network, --trust-network."
            )

    def security(self) -> Any:
        """Return what `distributed.Client` is to use: nothing unencrypted where there is TLS."""
        if self.tls is None:
            return None
        return _distributed().Security(
            tls_ca_file=str(self.tls / CA),
            tls_client_cert=str(self.tls / CERTIFICATE),
            tls_client_key=str(self.tls / KEY),
            require_encryption=True,
        )


def _on_this_machine(address: str) -> bool:
    host = urlsplit(address if "://" in address else f"tcp://{address}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def connected(scheduler: Scheduler) -> Any:
    """Connect to a scheduler; return the client.

    Raises
    ------
    InputError
        If it may not be spoken to, nothing answers, or one side refuses the other's certificate.
    """
    distributed = _distributed()
    scheduler.check()
    try:
        return distributed.Client(
            scheduler.address,
            timeout="20s",
            set_as_default=False,
            security=scheduler.security(),
        )
    except OSError as failure:  # also what OpenSSL says of a file, or of the other side
        raise InputError(
            f"No Dask scheduler answers at {scheduler.address} ({failure}). Check the address"
            + (
                f", and that its certificate and {scheduler.tls} are of one authority."
                if scheduler.tls
                else "."
            )
        ) from failure


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError as failure:
        raise InputError(
            "A Dask scheduler needs the package `distributed`, which is not installed here. "
            "Install it (`pip install distributed`), or use --workers N on this machine."
        ) from failure


def on_cluster(work: Callable[[T], R], tasks: Sequence[T], scheduler: Scheduler) -> Iterator[R]:
    """Let the workers of a cluster do tasks; yield the result of each, in the order of their ends.

    Raises
    ------
    InputError
        As `connected`; or if the scheduler is lost, or workers again and again.
    """
    distributed, address = _distributed(), scheduler.address
    packed = pickle.dumps(work)
    client = connected(scheduler)
    log.warning("Dask dashboard: %s", client.dashboard_link)
    # Its own words about a lost scheduler are many; ours are one line.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with client:
        try:
            yield from _shared(distributed.as_completed, client, packed, tasks)
        except distributed.KilledWorker as failure:
            raise InputError(
                f"Dask workers were lost again and again at one tile ({failure}); most often "
                f"memory has run out. {AGAIN}"
            ) from failure
        except (CancelledError, distributed.comm.CommClosedError) as failure:
            raise InputError(
                f"The Dask scheduler at {address} was lost. Start it again. {AGAIN}"
            ) from failure


def _shared(
    as_completed: Callable[..., Any], client: Any, packed: bytes, tasks: Sequence[Any]
) -> Iterator[Any]:
    """Let a cluster do tasks; one that is late is done again by an idle worker."""
    tile_of: dict[str, int] = {}

    def given(tile: int, **where: Any) -> Any:
        future = client.submit(_timed, packed, tasks[tile], pure=False, **where)
        tile_of[future.key] = tile
        return future

    waiting, twice, took = set(range(len(tasks))), set[int](), list[float]()
    # Held by nothing else, so that a result that has come is not made again for a lost worker.
    answers = as_completed([given(tile) for tile in waiting], loop=client.loop)
    heard = time.monotonic()
    while waiting:
        if not answers.has_ready():
            time.sleep(LOOK_S)
            late = took and time.monotonic() - heard > lateness(took)
            if late and waiting - twice and (idle := _idle(client)):
                tile = min(waiting - twice)
                log.warning(late_words(tile, tasks, took))
                twice.add(tile)
                answers.add(given(tile, workers=idle, allow_other_workers=True))
            continue
        future = next(answers)
        tile = tile_of[future.key]
        if tile in waiting:
            seconds, result = future.result()
            waiting.remove(tile)
            took.append(seconds)
            heard = time.monotonic()
            yield result


def _timed(packed: bytes, task: Any) -> tuple[float, Any]:
    start = time.monotonic()
    result = do(packed, task)
    return time.monotonic() - start, result


def _idle(client: Any) -> list[str]:
    """Name the workers of a cluster that have nothing to do."""
    return [worker for worker, keys in client.processing().items() if not keys]
