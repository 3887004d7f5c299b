"""Passwords, second factors and random words, as they are kept: never in the open."""

import hashlib
import hmac
import math
import secrets

from minerisk.features.errors import InputError

LEAST = 12
MOST = 256
STEP_S = 30
_COMMON = ("password", "parol", "qwerty", "123456", "minerisk", "letmein", "пароль", "йцукен")


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


_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXRoaW5nc2FsdHk$uMkCTwYQWmrrAAsLlyEPfy+eFO4dMxTPbA1hFUVcvhQ"
)
"""A hash of nothing that anybody has: so that an unknown name takes as long as a known one."""


def is_weak(password: str, name: str) -> bool:
    """Tell a password that is short, or mostly a word that everybody tries."""
    folded = password.casefold()
    rest = folded
    for word in (*_COMMON, name.casefold()):
        rest = rest.replace(word, "") if word else rest
    return not LEAST <= len(password) <= MOST or len(set(folded)) < 5 or len(rest) < LEAST / 2


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


def read_secret(text: str) -> str:
    """Take the secret of a proxy from the text of its file.

    Raises
    ------
    InputError
        If it is shorter than 32 characters.
    """
    word = text.strip()
    if len(word) < 32:
        raise InputError(
            "The secret of the proxy is shorter than 32 characters; make a longer one."
        )
    return word
