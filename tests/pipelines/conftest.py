"""A Dask cluster whose processes can be killed, as on machines of their own."""

import datetime as dt
import ipaddress
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

START = """
import asyncio, os, sys
from distributed import Scheduler, Security, Worker

def security():
    folder = os.environ.get("TLS_FOLDER")
    if not folder:
        return None
    files = {f"tls_{role}_{what}": f"{folder}/{what}.pem" for role in ("scheduler", "worker")
             for what in ("cert", "key")}
    return Security(tls_ca_file=f"{folder}/ca.pem", require_encryption=True, **files)

async def scheduler():
    host = "tls://127.0.0.1:0" if security() else "127.0.0.1"
    async with Scheduler(host=host, dashboard=False, security=security()) as own:
        print(own.address, flush=True)
        await own.finished()

async def worker(address):
    async with Worker(address, nthreads=1, dashboard=False, security=security()) as own:
        print(own.address, flush=True)
        await own.finished()

asyncio.run(worker(sys.argv[1]) if sys.argv[1:] else scheduler())
"""


@dataclass(frozen=True)
class Cluster:
    """A scheduler and its workers, each a process of its own."""

    address: str
    scheduler: subprocess.Popen[str]
    workers: list[subprocess.Popen[str]]


@pytest.fixture
def dask_cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Start clusters of two workers that find modules in the test's folder."""
    pytest.importorskip("distributed")
    started: list[subprocess.Popen[str]] = []

    def start(*address: str, tls: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", START, *address],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=tmp_path,
                env={
                    **os.environ,
                    "PYTHONPATH": str(tmp_path),
                    "OMP_NUM_THREADS": "1",
                    "TLS_FOLDER": tls,
                },
            )
        )
        return started[-1]

    def cluster(tls: Path | str = "") -> Cluster:
        scheduler = start(tls=str(tls))
        address = _line(scheduler)
        workers = [start(address, tls=str(tls)) for _ in range(2)]
        for worker in workers:
            _line(worker)
        return Cluster(address, scheduler, workers)

    yield cluster
    for process in started:
        process.kill()
        process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def make_authority(folder: Path) -> Path:
    """An authority of our own, and a certificate of it for 127.0.0.1."""
    folder.mkdir()
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, word)]) for word in ("ca", "cluster")
    ]
    now = dt.datetime.now(dt.UTC)
    for which, name in enumerate(("ca", "cert")):
        host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        made = (
            x509.CertificateBuilder()
            .subject_name(names[which])
            .issuer_name(names[0])
            .public_key(keys[which].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=which == 0, path_length=None), critical=True)
            .add_extension(host, critical=False)
            .sign(keys[0], hashes.SHA256())
        )
        (folder / f"{name}.pem").write_bytes(made.public_bytes(Encoding.PEM))
    key = keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(key)
    return folder


@pytest.fixture
def authority() -> Callable[[Path], Path]:
    """Make an authority of its own in a folder, with a certificate for this machine."""
    return make_authority


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    """A folder with ca.pem, cert.pem and key.pem."""
    return make_authority(tmp_path / "tls")
