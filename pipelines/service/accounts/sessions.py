"""Sessions and tokens in the database: opened, found, rotated, ended."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from minerisk.pipelines.service.accounts.access import Scope
from minerisk.pipelines.service.accounts.people import is_over, new_id
from minerisk.pipelines.service.accounts.secrets import digest, new_word
from minerisk.pipelines.service.settings import Limits
from minerisk.pipelines.service.store.models import Account, SignedIn, Token

ROTATE_S = 900.0
SEEN_S = 60.0
GRACE_S = 20.0
"""How long the word before a rotation is taken: calls that were under way have it."""
MOST_DAYS = 366


@dataclass(frozen=True)
class Found:
    """A session that holds, and whether it is time to give it another word, or to note its use."""

    account: Account
    strong: bool
    rotates: bool
    unseen: bool


def open_session(session: Session, account: Account, *, strong: bool, at: float) -> str:
    """Open a session; return the word that the browser is to hold."""
    word = new_word()
    session.add(
        SignedIn(
            digest=digest(word), account_id=account.id, strong=strong,
            created_at=at, rotated_at=at, seen_at=at,
        )
    )  # fmt: skip
    return word


def find_session(session: Session, word: str, limits: Limits, *, at: float) -> Found | None:
    """Find the session of a word, unless it is over."""
    row = session.get(SignedIn, digest(word))
    if row is None or _over(row, limits, at):
        return None
    account = session.get(Account, row.account_id)
    if account is None or not account.active or is_over(account, at=at):
        return None
    replaced = row.seen_at < row.rotated_at  # by another word: its use lengthens nothing
    unseen = at - row.seen_at > SEEN_S and not replaced
    return Found(account, row.strong, at - row.rotated_at > ROTATE_S, unseen)


def note_use(session: Session, word: str, *, at: float) -> None:
    """Note that a session was used."""
    row = session.get(SignedIn, digest(word))
    if row is not None:
        row.seen_at = at


def rotate(session: Session, word: str, limits: Limits, *, at: float) -> str | None:
    """Give a session another word; None where another call has just done so."""
    row = session.get(SignedIn, digest(word))
    if row is None or at - row.rotated_at <= ROTATE_S:
        return None
    fresh = new_word()
    session.add(
        SignedIn(
            digest=digest(fresh), account_id=row.account_id, strong=row.strong,
            created_at=row.created_at, rotated_at=at, seen_at=at,
        )
    )  # fmt: skip
    row.rotated_at, row.seen_at = at, at - limits.idle_seconds + GRACE_S
    return fresh


def end_session(session: Session, word: str) -> None:
    """End a session."""
    session.execute(delete(SignedIn).where(SignedIn.digest == digest(word)))


def sessions_of(session: Session, account: Account, limits: Limits, *, at: float) -> list[SignedIn]:
    """List the sessions of an account that hold, the newest first; replaced words are left out."""
    rows = session.scalars(
        select(SignedIn)
        .where(SignedIn.account_id == account.id, SignedIn.seen_at >= SignedIn.rotated_at)
        .order_by(SignedIn.created_at.desc())
    )
    return [row for row in rows if not _over(row, limits, at)]


def end_old(session: Session, limits: Limits, *, at: float) -> None:
    """Take away what is over."""
    session.execute(
        delete(SignedIn).where(
            (SignedIn.seen_at < at - limits.idle_seconds)
            | (SignedIn.created_at < at - limits.session_seconds)
        )
    )
    session.execute(delete(Token).where(Token.expires_at < at))


def add_token(
    session: Session,
    account: Account,
    title: str,
    scopes: Collection[Scope],
    *,
    days: int,
    at: float,
) -> tuple[Token, str]:
    """Make a token; return it and the word that is shown once."""
    word = new_word()
    token = Token(
        id=new_id(), digest=digest(word), account_id=account.id, title=title,
        scopes=sorted(scopes), created_at=at, expires_at=at + days * 86_400,
    )  # fmt: skip
    session.add(token)
    return token, word


def find_token(
    session: Session, word: str, *, at: float
) -> tuple[Account, frozenset[Scope]] | None:
    """Find the account of a token, unless it is over."""
    row = session.scalars(select(Token).where(Token.digest == digest(word))).one_or_none()
    if row is None or row.expires_at < at:
        return None
    account = session.get(Account, row.account_id)
    if account is None or not account.active:
        return None
    return account, frozenset(Scope(name) for name in row.scopes)


def _over(row: SignedIn, limits: Limits, at: float) -> bool:
    return at - row.seen_at > limits.idle_seconds or at - row.created_at > limits.session_seconds
