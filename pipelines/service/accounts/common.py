"""Passwords that most people have: the 10,000 most frequent that nothing else refuses."""

import hashlib
import unicodedata
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("common_passwords.bin")
"""Made by ``python -m docs.build.common_passwords``."""
DIGITS = 10
"""Of the SHA-256 of each: enough that one password in 100 million is refused by chance."""


def digest_of(password: str) -> str:
    """Return what is kept of a password: the same in capitals and small letters."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    return hashlib.sha256(plain.encode()).hexdigest()[:DIGITS]


def is_common(password: str) -> bool:
    """Tell whether a password is among the most frequent."""
    return digest_of(password) in _common()


@cache
def _common() -> frozenset[str]:
    content, size = FILE.read_bytes(), DIGITS // 2
    return frozenset(content[at : at + size].hex() for at in range(0, len(content), size))
