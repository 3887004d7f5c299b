"""Requirements of OWASP ASVS that need files, processes or a run."""

import io
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from minerisk.pipelines.service.settings import read_settings

ROOT = Path(__file__).parents[4]


def zipped(parts: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_a_zip_file_that_swells_or_has_too_many_parts_is_refused(town) -> None:
    swelling = zipped({"a.shp": b"\0" * 201_000_000})
    many = zipped({f"{number}.txt": b"" for number in range(31)} | {"a.shp": b"x"})
    for content in (swelling, many):
        assert len(content) < 1_000_000
        done = town.manager.post("/api/areas?name=a.zip", content=content)
        assert (done.status_code, done.json()["code"]) == (422, "desk_area_not_read")
        assert "too much" in done.json()["title"]
    assert list(town.desk.settings.uploads.glob("*")) == []


def test_what_is_deployed_asks_everybody_for_a_second_factor() -> None:
    assert read_settings(ROOT / "deploy" / "desk.yaml").second_factor == "everybody"


def test_what_the_desk_keeps_is_read_by_its_account_alone(town) -> None:
    home = town.desk.settings.home
    town.manager.post("/api/areas?name=a.kml", content=b"<kml>")
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for path in home.rglob("*"):
        assert not path.stat().st_mode & 0o077, path


CALLS = """
import json, sys, time
import tests.pipelines.service.asvs.taken_out  # nothing, unless a protection is taken out
from pathlib import Path
called = []
def look(event, values):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        if "'AF_UNIX'" not in repr(values) and not isinstance(values[-1], (str, bytes)):
            called.append([event, repr(values[1:])])
sys.addaudithook(look)
from fastapi.testclient import TestClient
from minerisk.pipelines.service.accounts.access import RULES, Role
from minerisk.pipelines.service.accounts.people import add_account
from minerisk.pipelines.service.app import create_app
from minerisk.pipelines.service.serving import open_desk
from minerisk.pipelines.service.settings import Settings
home = Path(sys.argv[1])
(home / "runs").mkdir()
desk = open_desk(Settings(home=home / "desk", runs=home / "runs", names=("testserver",)))
with desk.store.write() as session:
    roles = [Role.MANAGER, Role.SCIENTIST]
    add_account(session, "ann", roles, "staple 7 heron lantern", at=time.time())
app = create_app(desk)
client = TestClient(app, base_url="https://testserver", raise_server_exceptions=False)
done = client.post("/api/session", json={"name": "ann", "password": "staple 7 heron lantern"})
client.headers["X-Desk-Form"] = done.json()["form"]
remote = (
    '{"type":"FeatureCollection","features":[],'
    '"crs":{"type":"link","properties":{"href":"http://192.0.2.1/x"}}}'
)
client.post("/api/areas?name=a.geojson", content=remote.encode())
statuses = []
for rule in sorted(RULES):
    method, path = rule.split()
    if method == "GET":
        import re
        statuses.append(client.get(re.sub(r"\\{\\w+(:path)?\\}", "a" * 32, path)).status_code)
print(json.dumps({"called": called, "statuses": sorted(set(statuses))}))
"""


def test_the_desk_calls_nobody(tmp_path: Path) -> None:
    """In a namespace without a network it answers as ever, and does not even try."""
    apart = [shutil.which("unshare") or "unshare", "-rn"]
    if subprocess.run([*apart, "true"], check=False, capture_output=True).returncode:
        if os.environ.get("CI"):
            pytest.fail("unshare -rn is not allowed here")
        pytest.skip("unshare -rn is not allowed here")
    command = [*apart, sys.executable, "-c", CALLS, str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["called"] == []
    assert 200 in found["statuses"]
    assert 500 not in found["statuses"]


def test_what_is_handed_out_is_a_download_under_a_plain_name(town_with_run) -> None:
    client = town_with_run.scientist
    run = client.get("/api/runs").json()["runs"][0]["id"]
    asked = client.post("/api/requests", json={"run": run, "note": 'x"; filename=evil.exe'}).json()
    assert town_with_run.work()
    for path in ("pack.zip", "files/probability.tif", "files/tasks.geojson"):
        found = client.get(f"/api/requests/{asked['id']}/{path}")
        assert found.status_code == 200, path
        told = found.headers["content-disposition"]
        assert told.startswith("attachment; filename"), path
        assert "evil" not in told
        assert found.headers["x-content-type-options"] == "nosniff"
        assert "script-src 'self'" in found.headers["content-security-policy"]
    assert (
        client.get(f"/api/requests/{asked['id']}/files/..%2f..%2fmanifest.json").status_code == 404
    )
