"""The plugin of QGIS asks a desk that runs, with a token from QGIS's own store."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from minerisk.pipelines.service.accounts.access import Scope
from minerisk.pipelines.service.accounts.sessions import add_token
from minerisk.pipelines.service.serving import open_desk
from minerisk.pipelines.service.settings import settings_of
from minerisk.pipelines.service.store.models import Account
from tests.pipelines.service.pages.conftest import Served


def test_a_risk_map_is_asked_of_the_desk_and_comes_into_the_project(
    served: Served, tmp_path: Path, in_qgis: Callable[..., list[dict[str, Any]]]
) -> None:
    runs = {"home": served.home, "runs": served.folder.parent}
    desk = open_desk(settings_of(runs, source="test"))
    with desk.store.write() as session:
        account = session.scalars(select(Account).where(Account.name == "dan")).one()
        scopes = [Scope.READ, Scope.ASK]
        _, word = add_token(session, account, "QGIS", scopes, days=1, at=time.time())
    given = {"DESK_RUN": served.run, "PACK": str(tmp_path / "pack"),
             "EXTENT": "47.2,47.3,39.5,39.6 [EPSG:4326]"}  # fmt: skip
    step = {"algorithm": "minerisk:riskmap", "parameters": given}
    wrong = step | {
        "parameters": given | {"DESK_RUN": "no such run", "PACK": str(tmp_path / "other")}
    }
    done, refused = in_qgis([step, wrong], MINERISK_DESK=served.address, token=word)
    assert done["refused"] == ""
    (group,) = done["groups"]
    assert "DRAFT" in group
    assert "SIMULATED" in group
    assert done["red"] > 500
    request = json.loads((tmp_path / "pack" / "item.json").read_text(encoding="utf-8"))
    assert 47.19 < request["bbox"][0] < request["bbox"][2] < 47.31
    assert "0 runs on the desk fit no such run" in refused["refused"]
    kept = "".join(
        path.read_text(errors="replace")
        for path in tmp_path.rglob("*")
        if path.is_file() and path.name != "settings.json"
    )
    assert word not in kept  # the store is encrypted, and nothing else bears the token
