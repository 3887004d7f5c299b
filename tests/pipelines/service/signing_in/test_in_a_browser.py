"""Signing in at a service of another site, in a real browser."""

import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import sync_playwright

from minerisk.pipelines.service.pages.shell import STATIC
from tests.faults.postgres import free_port


@pytest.fixture
def desk(service_for, tmp_path: Path) -> Iterator[str]:
    """A desk at a name, and a service at an address: to a browser these are two sites."""
    if not (STATIC / "desk.js").is_file():
        pytest.fail("The scripts of the desk are not built: make front")
    port = free_port()
    address = f"http://localhost:{port}"
    oidc = service_for(address).settings(tmp_path).model_dump(mode="json", exclude_defaults=True)
    (tmp_path / "runs").mkdir()
    (tmp_path / "desk.yaml").write_text(
        yaml.safe_dump({"home": "home", "runs": "runs", "port": port, "workers": 0, "oidc": oidc})
    )
    command = [str(Path(sys.executable).parent / "minerisk"), "serve",
               "--settings", str(tmp_path / "desk.yaml")]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(900):
                try:
                    urllib.request.urlopen(f"{address}/api/health", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.2)
            yield address
        finally:
            server.terminate()


def test_somebody_signs_in_at_the_service_and_out_again(desk: str) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("There is no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(locale="en-GB")
        page.goto(f"{desk}/runs")
        page.get_by_role("link", name="Sign in with Ministry").click()
        page.get_by_label("Who").fill("ann+managers")
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("link", name="ann").wait_for()
        assert page.get_by_role("link", name="Maps").is_visible()
        page.wait_for_selector("html[data-ready=yes]")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/session/end**")
        page.goto(f"{desk}/runs")
        assert page.url == f"{desk}/sign-in"
        browser.close()
