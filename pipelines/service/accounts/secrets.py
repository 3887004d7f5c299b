"""Passwords, second factors and random words, as they are kept: never in the open."""

import hashlib
import hmac
import math
import re
import secrets
from pathlib import Path

from minerisk.features.errors import InputError
from minerisk.pipelines.service.accounts.common import is_common

LEAST = 12
MOST = 256
STEP_S = 30
_COMMON = (
    "azerbaijan", "azərbaycan", "liverpool", "1q2w3e4r", "1qaz2wsx", "baseball", "changeme",
    "computer", "football", "iloveyou", "internet", "minerisk", "passw0rd", "password",
    "passwort", "princess", "starwars", "sunshine", "superman", "trustno1", "whatever",
    "zaq12wsx", "солнышко", "arsenal", "charlie", "chelsea", "default", "letmein", "michael",
    "qarabag", "qarabağ", "samsung", "welcome", "access", "ashley", "autumn", "batman",
    "daniel", "dragon", "google", "jordan", "master", "monkey", "nicole", "qazwsx", "secret",
    "shadow", "spring", "summer", "winter", "любовь", "максим", "наташа", "пароль", "admin",
    "hello", "login", "parol", "şifrə", "desk",
)  # fmt: skip
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "abcdefghijklmnopqrstuvwxyz",
         "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю",
         "абвгдежзийклмнопрстуфхцчшщъыьэюя")  # fmt: skip


def hashed(password: str) -> str:
    """Return the Argon2id hash of a password, which holds its own salt and cost."""
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


def is_password(password: str, kept: str | None) -> bool:
    """Check a password against its hash; without a hash it takes as long, and is wrong."""
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        PasswordHasher().verify(kept or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def is_outdated(kept: str | None) -> bool:
    """Tell whether a hash was made with other costs than a new one would be."""
    from argon2 import PasswordHasher

    return kept is not None and PasswordHasher().check_needs_rehash(kept)


_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXRoaW5nc2FsdHk$uMkCTwYQWmrrAAsLlyEPfy+eFO4dMxTPbA1hFUVcvhQ"
)
"""A hash of nothing that anybody has: so that an unknown name takes as long as a known one."""


def is_weak(password: str, name: str) -> bool:
    """Tell a password that most people have, or that is easily guessed."""
    return is_guessable(password, name) or is_common(password)


def is_guessable(password: str, name: str) -> bool:
    """Tell a password that is short, or mostly what everybody tries.

    Left out of account are common words, the name of the account, four or more keys or letters in a
    row, and what is repeated.
    """
    rest = re.sub(r"(.{2,}?)\1+", r"\1", password.casefold())
    for word in (*_COMMON, name.casefold()):
        rest = rest.replace(word, "") if word else rest
    for row in _ROWS:
        for keys in (row, row[::-1]):
            rest = _without_run(rest, keys)
    return not LEAST <= len(password) <= MOST or len(set(rest)) < 5 or len(rest) < LEAST * 2 / 3


def _without_run(text: str, row: str) -> str:
    """Leave out four or more letters that follow each other in a row."""
    for length in range(len(row), 3, -1):
        for start in range(len(row) - length + 1):
            text = text.replace(row[start : start + length], "")
    return text


def new_word() -> str:
    """Return 256 random bits, as a cookie or a token holds them."""
    return secrets.token_urlsafe(32)


def digest(word: str) -> str:
    """Return what is kept of a random word: it needs no salt, since nobody can guess it."""
    return hashlib.sha256(word.encode()).hexdigest()


def form_word(session: str) -> str:
    """Derive what a page of a session sends back with each change."""
    return hmac.new(session.encode(), b"form", hashlib.sha256).hexdigest()


def same(given: str, expected: str) -> bool:
    """Compare two words in a time that tells nothing of them."""
    return hmac.compare_digest(given.encode(), expected.encode())


def new_factor() -> str:
    """Return the secret of a second factor, base32."""
    import pyotp

    return pyotp.random_base32()


def factor_address(secret: str, name: str) -> str:
    """Return what an app on a phone reads as a QR code."""
    import pyotp

    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="minerisk")


def factor_step(secret: str, code: str, *, now: float, after: int) -> int | None:
    """Check a code of a second factor; None where it is wrong, or not after a step used before.

    The code of the step before and after is taken too: clocks of phones differ.
    """
    import pyotp

    if not (code.isascii() and code.isdigit() and len(code) == 6):
        return None
    step = math.floor(now / STEP_S)
    for tried in (step - 1, step, step + 1):
        if tried > after and same(pyotp.TOTP(secret).at(tried * STEP_S), code):
            return tried
    return None


def read_words(path: Path) -> str:
    """Read the file of a secret.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise InputError(f"{path} cannot be read ({error}).") from error


def read_secret(text: str) -> str:
    """Take the secret of a proxy, or of a monitoring system, from the text of its file.

    Raises
    ------
    InputError
        If it is shorter than 32 characters.
    """
    word = text.strip()
    if len(word) < 32:
        raise InputError(
            "The secret of a proxy or a monitoring system is shorter than 32 characters; make a "
            "longer one."
        )
    return word
