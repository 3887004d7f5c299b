"""How does a program ask the desk? A request by API

A program calls the request desk with a token that its owner made: it asks for a map, waits, and fetches the files. Here
the desk, its worker and the program are in one process; from elsewhere it is the same calls over HTTPS ([all
addresses](../desk.md)).
"""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi.testclient import TestClient  # any HTTP client does, such as httpx

from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.people import add_account
from minerisk.pipelines.service.accounts.secrets import form_word
from minerisk.pipelines.service.accounts.sessions import open_session
from minerisk.pipelines.service.app import create_app
from minerisk.pipelines.service.jobs.worker import Worker, work_once
from minerisk.pipelines.service.serving import open_desk
from minerisk.pipelines.service.settings import Settings
from minerisk.pipelines.service.wire import COOKIE


def main():
    run = Path(os.environ.get("GALLERY_RUN", "runs/tiny"))
    with TemporaryDirectory(dir=run.parent.parent) as place:
        # The desk, and the session of a data scientist (in a browser: signing in).
        shutil.copytree(run, Path(place) / "tiny")
        settings = Settings(home=Path(place) / ".desk", runs=Path(place), names=("testserver",))
        desk = open_desk(settings)
        with desk.store.write() as session:
            account = add_account(session, "ann", [Role.SCIENTIST], None, at=desk.clock())
            session.flush()
            word = open_session(session, account, strong=True, at=desk.clock())
        person = TestClient(create_app(desk), base_url="https://testserver")
        person.cookies.set(COOKIE, word, domain="testserver.local")
        person.headers["X-Desk-Form"] = form_word(word)
        print("the run is offered:", person.post("/api/runs", json={"folder": "tiny"}).status_code)
        token = person.post(
            "/api/tokens", json={"title": "QGIS", "scopes": ["read", "ask"]}
        ).json()["word"]

        # The program: a token, and three calls.
        program = TestClient(create_app(desk), base_url="https://testserver")
        program.headers["Authorization"] = f"Bearer {token}"
        offered = program.get("/api/runs").json()["runs"][0]
        asked = program.post("/api/requests", json={"run": offered["id"]})
        print("asked:", asked.status_code, "with a token that cannot review or offer")
        work_once(Worker.of(settings, desk.store))  # `minerisk worker` does this by itself
        answer = program.get(f"/api/requests/{asked.json()['id']}").json()
        print("then:", {name: answer[name] for name in ("id", "state") if name in answer})
        raster = program.get(f"/api/requests/{asked.json()['id']}/files/probability.tif")
        print("probability.tif:", raster.status_code, f"{len(raster.content):,} bytes")
        desk.store.engine.dispose()


if __name__ == "__main__":  # the worker starts processes of its own
    main()
