"""Ed25519 signatures of reviews: keys come from files that people hold, never from here."""

import base64
import binascii
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from minerisk.features.errors import InputError

if TYPE_CHECKING:  # imported where a key is used: a request to a run without reviews uses none
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAX_BYTES = 100_000
_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"


def read_key(path: Path) -> "Ed25519PrivateKey":
    """Read a private key: PEM of ``openssl genpkey -algorithm ed25519``, or of ``ssh-keygen``.

    Raises
    ------
    InputError
        If the file is none, or is locked with a passphrase.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        load_pem_private_key,
        load_ssh_private_key,
    )

    content = _read(path)
    load = load_ssh_private_key if content.lstrip().startswith(_OPENSSH) else load_pem_private_key
    try:
        key = load(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(
            f"{path} cannot be used as a key ({str(error).splitlines()[0]}); expected an ed25519 "
            "private key without passphrase: `openssl genpkey -algorithm ed25519 -out key.pem`."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path} is no ed25519 key. Make one with `ssh-keygen -t ed25519`.")
    return key


def public_text(key: "Ed25519PrivateKey") -> str:
    """Return the public half of a key, 32 bytes in base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def sign(key: "Ed25519PrivateKey", content: bytes) -> str:
    """Sign bytes; base64 (RFC 8032)."""
    return base64.b64encode(key.sign(content)).decode()


def signed_by(public: str, signature: str, content: bytes) -> bool:
    """Check whether the holder of a key signed these bytes."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        key.verify(base64.b64decode(signature, validate=True), content)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def fingerprint(public: str) -> str:
    """Return the first 16 hexadecimal digits of a public key's SHA-256, to read out aloud."""
    return hashlib.sha256(public.encode()).hexdigest()[:16]


def read_trusted(path: Path) -> dict[str, str]:
    """Read public keys that the reader trusts: key to whose it is.

    A line is ``<32 bytes in base64> <whose>`` or an OpenSSH public key; ``#`` starts a comment.

    Raises
    ------
    InputError
        If a line is neither.
    """
    from cryptography.exceptions import UnsupportedAlgorithm

    known: dict[str, str] = {}
    for number, line in enumerate(_read(path).decode(errors="replace").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = line.split()
        try:
            if words[0] == "ssh-ed25519":
                raw = _ssh_key(" ".join(words[:2]).encode())
                words = words[1:]
            else:
                raw = base64.b64decode(words[0], validate=True)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise InputError(f"{path}, line {number}: no public key ({error}).") from error
        if len(raw) != 32:
            raise InputError(f"{path}, line {number}: expected an ed25519 public key in base64.")
        known[base64.b64encode(raw).decode()] = " ".join(words[1:]) or f"line {number}"
    return known


def _ssh_key(line: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    key = load_ssh_public_key(line)
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else b""


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise InputError(f"There is no key file at {path}. Check the path.")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path} is too large for a key file ({MAX_BYTES:,} bytes at most).")
    return path.read_bytes()
