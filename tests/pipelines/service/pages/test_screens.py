"""The desk as people see it: the story of a request, and that every page can be used by all."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.pipelines.service.pages.conftest import ready

pytest.importorskip("playwright")

AXE = Path(__file__).parents[4] / "front" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def opened(context, address):
    page = context.new_page()
    page.goto(address)
    return ready(page)


def decide(context, served, decision, note):
    """Have a reviewer decide on the page of a run."""
    page = opened(context, f"{served.address}/runs/{served.run}/review")
    page.get_by_role("radio", name=decision).check()
    page.get_by_label("Why").fill(note)
    page.get_by_role("button", name="Record the decision").click()
    page.get_by_role("cell", name=note).or_(page.locator(".mark.wait")).first.wait_for()
    return page


def violations(page):
    page.evaluate(AXE.read_text(encoding="utf-8"))
    asked = json.dumps({"runOnly": RULES, "resultTypes": ["violations"]})
    found = page.evaluate(f"axe.run(document, {asked}).then((all) => all.violations)")
    return [(each["id"], node["html"][:200]) for each in found for node in each["nodes"]]


def test_the_story_of_a_request(served, signed_in, tmp_path):
    manager, reviewer = signed_in("mara"), signed_in("rita")
    page = opened(manager, served.address)
    assert "nothing may be used yet" in page.inner_text("main")

    # A reviewer approves; a worker verifies every byte before it counts.
    review = decide(reviewer, served, "approve", "The gates were looked at one by one.")
    for _ in range(120):
        if "DRAFT" not in review.inner_text(".strip"):
            break
        review.wait_for_timeout(500)
        review.reload()
    assert "Approved" in review.inner_text(".strip"), review.inner_text("main")

    # The manager draws an area on the map, corner by corner.
    page = opened(manager, f"{served.address}/runs/{served.run}")
    assert "SIMULATED" in page.inner_text(".strip")
    assert "Evidence up to" in page.inner_text(".strip")
    ready(page).get_by_role("link", name="Ask for an area").click()
    ready(page).get_by_role("button", name="Draw on the map").click()
    box = page.locator(".map").bounding_box()
    places = [(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6), (0.4, 0.4)]
    for across, down in places:
        page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])
        page.wait_for_timeout(350)
    assert len(page.locator("#corners").input_value().splitlines()) == 4
    for title in ("What", "Copy", "Check"):
        page.get_by_role("button", name="Next").click()
        page.get_by_role("heading", name=title, exact=True).wait_for()
    check = page.locator("[data-check]").inner_text()
    assert "On land like this" in check
    assert "cannot be spoken for" in check
    page.get_by_role("button", name="Ask", exact=True).click()

    # It waits, and then there are maps, tasks and a pack.
    page.locator(".task").first.wait_for(timeout=120_000)
    ready(page)
    result = page.url.split("#")[0]
    assert "minerisk request on-the-desk --aoi drawn.geojson" in page.inner_text("main")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the pack").click()
    pack = tmp_path / "pack.zip"
    download.value.save_as(pack)
    with zipfile.ZipFile(pack) as opened_pack:
        opened_pack.extractall(tmp_path)
        project = next(name for name in opened_pack.namelist() if name.endswith("map.qgs"))
    assert layers_in_qgis(tmp_path / project) in (None, [])

    # Each task leads to the map, and the map to what is known of a cell.
    task = page.locator("[data-show-task]").first
    task.click()
    assert page.locator(".task[aria-current]").count() == 1
    page.locator(".map").click()
    page.locator("[data-cell] dl").wait_for()
    assert "of 100 such cells" in page.inner_text("[data-cell]")

    # Withdrawn: page, tiles and API refuse from the next call on.
    decide(reviewer, served, "withdraw", "A layer was wrong.")
    number = result.rpartition("/")[2]
    tile = f"{served.address}/tiles/requests/{number}/class"
    assert manager.request.get(tile).status == 410
    assert manager.request.get(f"{served.address}/api/requests/{number}/pack.zip").status == 410
    page.reload()
    assert "WITHDRAWN" in page.inner_text(".strip")
    assert "nothing of it may be used any more" in page.inner_text("main")
    assert page.locator(".map").count() == 0
    listed = opened(manager, f"{served.address}/requests")
    assert listed.locator("tr.gone").count() == 1
    assert "withdrawn" in listed.inner_text("tr.gone")


QGIS = """
import sys
from qgis.core import QgsApplication, QgsProject
application = QgsApplication([], False)
application.initQgis()
project = QgsProject.instance()
assert project.read(sys.argv[1])
layers = project.mapLayers().values()
assert layers
print([layer.name() for layer in layers if not layer.isValid()])
"""


def layers_in_qgis(project):
    """List the layers of a project that QGIS cannot show; None where QGIS is not at hand."""
    python = shutil.which("python3", path="/usr/bin")
    known = (
        python
        and not subprocess.run(
            [python, "-c", "import qgis.core"], capture_output=True, check=False
        ).returncode
    )
    if not known:
        return None
    done = subprocess.run(
        [python, "-c", QGIS, project], capture_output=True, text=True, check=True,
        env={"QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin"},
    )  # fmt: skip
    return json.loads(done.stdout.strip().splitlines()[-1].replace("'", '"'))


PAGES = {
    "dan": ("/runs/{run}", "/runs/{run}/ask", "/requests", "/reviews", "/offers", "/account"),
    "rita": ("/runs/{run}/review", "/account"),
    "ada": ("/accounts", "/status"),
    "mara": ("/runs", "/requests", "/nowhere"),
}


@pytest.mark.parametrize("name", PAGES)
def test_anybody_can_use_every_page(served, signed_in, name):
    page = signed_in(name).new_page()
    for address in PAGES[name]:
        for width, scheme in ((1200, "light"), (360, "dark")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            page.goto(served.address + address.format(run=served.run))
            ready(page)
            assert violations(page) == [], (address, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    page.close()
