"""The desk as one value: its settings, its database, and what it keeps in mind."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.provider import Provider
from minerisk.pipelines.service.accounts.secrets import read_secret, read_words
from minerisk.pipelines.service.desk.pace import Pace, Recent
from minerisk.pipelines.service.desk.standings import Standings
from minerisk.pipelines.service.settings import Settings
from minerisk.pipelines.service.store.database import Store


@dataclass(frozen=True)
class Desk:
    """What every call works with.

    Attributes
    ----------
    clock
        Seconds since 1970-01-01; a test has its own.
    proxy_secret
        What a trusted proxy sends; none where there is no proxy, or it is known by its socket.
    metrics_secret
        What a monitoring system sends; none where there is none.
    answers
        How many were given, by status.
    provider
        The sign-in service, where there is one.
    """

    settings: Settings
    store: Store
    standings: Standings = field(default_factory=Standings)
    pace: Pace = field(default_factory=Pace)
    recent: Recent = field(default_factory=Recent)
    clock: Callable[[], float] = time.time
    proxy_secret: str | None = None
    metrics_secret: str | None = None
    answers: Counter[int] = field(default_factory=Counter)
    provider: Provider | None = None

    @classmethod
    def of(cls, settings: Settings, store: Store) -> "Desk":
        """Set up a desk."""
        proxy = settings.proxy
        secret = None
        if proxy is not None and proxy.secret_file is not None:
            secret = read_secret(read_words(proxy.secret_file))
        file = settings.metrics_secret_file
        return cls(
            settings,
            store,
            proxy_secret=secret,
            metrics_secret=None if file is None else read_secret(read_words(file)),
            provider=Provider.of(settings.oidc),
        )

    def run_folder(self, name: str) -> Path:
        """Return where a run of that name is."""
        return self.settings.runs / name


@dataclass(frozen=True)
class Caller:
    """Who calls.

    Attributes
    ----------
    account_id, name
        Of the account; none where nobody is signed in.
    roles
        Those that count now.
    word
        Of the session, where there is one.
    elsewhere
        Whether a sign-in service checks the account.
    """

    account_id: str | None = None
    name: str | None = None
    roles: frozenset[Role] = frozenset()
    word: str | None = None
    elsewhere: bool = False

    @property
    def sees_drafts(self) -> bool:
        """Tell whether runs that nobody approved are shown to this caller."""
        return bool(self.roles & {Role.SCIENTIST, Role.REVIEWER})

    @property
    def id(self) -> str:
        """Return the account's id; a route that asks for it has a role that nobody else has."""
        return self.account_id or ""
