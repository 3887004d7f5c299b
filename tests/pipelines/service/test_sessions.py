"""Sessions and names of accounts, in the database."""

import pytest

from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.people import account_named, add_account
from minerisk.pipelines.service.accounts.sessions import (
    GRACE_S,
    ROTATE_S,
    find_session,
    note_use,
    open_session,
    rotate,
)
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.settings import Limits
from minerisk.pipelines.service.store.database import Store, open_store, upgrade

LIMITS = Limits()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    url = f"sqlite:///{tmp_path_factory.mktemp('desk') / 'desk.sqlite'}"
    upgrade(url)
    return open_store(url)


@pytest.mark.parametrize("spelled", ["Əli Şahin", "əli şahin", "ƏLİ ŞAHİN", "ƏLI ŞAHIN"])
def test_a_name_is_found_in_any_letters(store: Store, spelled: str) -> None:
    with store.write() as session:
        if account_named(session, "Əli Şahin") is None:
            add_account(session, "Əli Şahin", [Role.MANAGER], None, at=0.0)
    with store.read() as session:
        assert account_named(session, spelled) is not None
        assert account_named(session, "Əli") is None


def test_a_name_in_other_letters_is_taken(store: Store) -> None:
    with store.write() as session:
        add_account(session, "Дарья", [Role.MANAGER], None, at=0.0)
    with pytest.raises(RefusedError), store.write() as session:
        add_account(session, "дарья", [Role.MANAGER], None, at=0.0)


def test_a_word_that_was_replaced_ends_however_it_is_used(store: Store) -> None:
    with store.write() as session:
        account = add_account(session, "manager", [Role.MANAGER], None, at=0.0)
        old = open_session(session, account, strong=False, at=0.0)
        note_use(session, old, at=ROTATE_S)
        at = ROTATE_S + 1
        fresh = rotate(session, old, LIMITS, at=at)
        assert fresh is not None
        under_way = find_session(session, old, LIMITS, at=at + GRACE_S - 1)
        assert under_way is not None
        assert not under_way.unseen  # so that its use is not noted
        assert not under_way.rotates
        assert find_session(session, old, LIMITS, at=at + GRACE_S + 1) is None
        assert find_session(session, fresh, LIMITS, at=at + GRACE_S + 1) is not None
