"""A desk behind Debian's nginx, set up by the files of deploy/, with certificates made here."""

import datetime as dt
import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from minerisk.pipelines.service.pages.shell import STATIC
from tests.faults.postgres import free_port

DEPLOY = Path(__file__).parents[4] / "deploy"
PEOPLE = "    # ssl_client_certificate /etc/minerisk/tls/people.crt;\n    # ssl_verify_client on;\n"


@dataclass(frozen=True)
class Behind:
    """A desk behind nginx: where it answers, and the folder of certificates."""

    port: int
    plain: int
    certificates: Path

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}"

    def context(self, name: str | None = None) -> ssl.SSLContext:
        """Trust the desk; show the certificate of somebody."""
        found = ssl.create_default_context(cafile=str(self.certificates / "desk.crt"))
        if name is not None:
            found.load_cert_chain(
                self.certificates / f"{name}.crt", self.certificates / f"{name}.key"
            )
        return found

    def client(self, name: str | None = None, **headers: str) -> httpx2.Client:
        return httpx2.Client(base_url=self.address, verify=self.context(name), headers=headers,
                             timeout=30)  # fmt: skip


@dataclass(frozen=True)
class Authority:
    """Who makes certificates."""

    folder: Path
    name: x509.Name
    key: ec.EllipticCurvePrivateKey

    def certify(self, file: str, word: str) -> None:
        """Write the certificate of a person, with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, word)])
        _write(self.folder, file, key, _certificate(name, key, self))


def _write(
    folder: Path, file: str, key: ec.EllipticCurvePrivateKey, found: x509.Certificate
) -> None:
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{file}.key").write_bytes(key.private_bytes(*form))
    (folder / f"{file}.crt").write_bytes(found.public_bytes(Encoding.PEM))


def _certificate(
    name: x509.Name, key: ec.EllipticCurvePrivateKey, by: Authority | None = None
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if by is None else by.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    return made.sign(key if by is None else by.key, hashes.SHA256())


def authority(folder: Path, file: str) -> Authority:
    """Make somebody who makes certificates; their own serves the desk."""
    folder.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, file)])
    _write(folder, file, key, _certificate(name, key))
    return Authority(folder, name, key)


def site_of(socket: Path, certificates: Path, *, people: bool) -> tuple[str, int, int]:
    """The configuration of deploy/ at other places; nothing else of it is changed."""
    text = (DEPLOY / "nginx" / "minerisk.conf").read_text(encoding="utf-8")
    port, plain = free_port(), free_port()
    other = {
        "/run/minerisk/desk.socket": str(socket),
        "/etc/minerisk/tls": str(certificates),
        "desk.example.org": "localhost",
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl http2;\n": "",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "timeout 10s;": "timeout 1s;",  # a test does not wait as long
        "send_timeout 30s;": "send_timeout 1s;",
        "keepalive_timeout 30s;": "keepalive_timeout 1s;",
    }
    if people:
        other[PEOPLE] = PEOPLE.replace("# ", "")
    for old, new in sorted(other.items(), key=lambda pair: pair[0] != PEOPLE):
        assert old in text, old
        text = text.replace(old, new)
    return text, port, plain


@contextmanager
def nginx(folder: Path, socket: Path, *, people: bool = False) -> Iterator[Behind]:
    """Start nginx before a socket."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed (Debian: nginx-light)")
    certificates = folder / "tls"
    authority(certificates, "desk")
    by = authority(certificates, "people")
    by.certify("manager", "manager")
    by.certify("odd", "administrator,x")
    authority(certificates, "forger").certify("forged", "administrator")
    site, port, plain = site_of(socket, certificates, people=people)
    (folder / "site.conf").write_text(site)
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}\ndaemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log {folder}/access.log;\n{paths}"
        f"include {folder}/site.conf;\n}}\n"
    )
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    with subprocess.Popen(command) as server:
        try:
            yield Behind(port, plain, certificates)
        finally:
            server.terminate()


@contextmanager
def serving(folder: Path, **settings: object) -> Iterator[Path]:
    """Start `minerisk serve` at a socket, by the file of settings of deploy/."""
    if not (STATIC / "desk.js").is_file():
        pytest.fail("The scripts of the desk are not built: make front")
    given = yaml.safe_load((DEPLOY / "desk.yaml").read_text(encoding="utf-8"))
    socket = folder / "desk.socket"
    given |= {"home": str(folder / "desk"), "runs": str(folder / "runs"), "names": ["localhost"],
              "proxy": {"socket": str(socket)}, "second_factor": "deciding",
              **settings}  # fmt: skip
    (folder / "desk.yaml").write_text(yaml.safe_dump(given))
    command = [str(Path(sys.executable).parent / "minerisk"), "serve", "--settings",
               str(folder / "desk.yaml")]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            yield socket
        finally:
            server.terminate()


def wait_for(behind: Behind, name: str | None = None) -> None:
    for _ in range(900):
        try:
            with behind.client(name) as client:
                if client.get("/api/health").status_code == 200:
                    return
        except httpx2.HTTPError:
            pass
        time.sleep(0.2)
    pytest.fail("The desk does not answer behind nginx.")
