"""The loop closes in the browser: a form goes out, results come back, a new run is compared."""

import os
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from minerisk.features.layers.vectors import read_frame
from tests.pipelines.service.pages.conftest import ready
from tests.pipelines.service.pages.test_screens import opened, violations

HEAD = "task;date;outcome;hazard;place;method;reliability;searched_ha\n"
A_WHILE = 600_000
"""Milliseconds for a run to be made anew on a loaded machine."""


def rows(folder: Path, last: str = "") -> str:
    """What teams found by the tasks of a run: a mine in one, nothing in others."""
    tasks = read_frame(folder / "tasks.gpkg", layer="tasks")
    lines = []
    for task, arm, lat, lon, hectares in zip(
        tasks["task"], tasks["arm"], tasks["latitude"], tasks["longitude"], tasks["hectares"],
        strict=True,
    ):  # fmt: skip
        if arm == "control":
            lines.append(f"{task};2026-01-05;no_find;;;manual;0.9;{hectares}")
        elif len(lines) < 3:
            lines.append(f"{task};2026-01-06;find;ap;{lat} {lon} 0 0;dogs;0.9;1")
    return HEAD + "\n".join([*lines, last]).strip() + "\n"


def keep(page, name: str) -> None:
    if folder := os.environ.get("MINERISK_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def send(page, name: str, content: str) -> None:
    page.locator("#file").set_input_files(
        [{"name": name, "mimeType": "text/csv", "buffer": content.encode()}]
    )
    page.get_by_role("button", name="Check the file").click()
    page.locator("[data-preview] table").wait_for()


def test_results_come_back_and_a_new_run_is_compared(served, signed_in) -> None:
    scientist = signed_in("dan")
    page = opened(scientist, f"{served.address}/runs/{served.run}")
    page.get_by_role("link", name="Survey results").click()
    ready(page)
    assert "No survey results have come back yet" in page.inner_text("main")
    page.get_by_role("button", name="Check the file").click()
    assert "No file of survey results is chosen" in page.locator(".problem").first.inner_text()

    # A row that cannot be taken has its fault beside it, and nothing can be added.
    fault = "NTS-0001;soon;find;ap;0 90 0 0;manual;2;"
    send(page, "kobo.csv", rows(served.folder, fault))
    wrong = page.locator("tr.wrong")
    assert wrong.count() == 1
    assert "soon" in wrong.inner_text()
    assert "outside the study area" in wrong.inner_text()
    assert page.locator("[data-add]").count() == 0
    keep(page, "results_fault")
    assert violations(page) == []

    # Corrected, it is added, and stands beside what the map had said: the random arm first.
    send(page, "kobo.csv", rows(served.folder))
    with page.expect_navigation():
        page.get_by_role("button", name="Add these results").click()
    ready(page)
    table = page.locator("table").first
    assert "random arm, drawn blind" in table.locator("tbody tr").first.inner_text()
    assert "kobo.csv" in page.inner_text("main")
    keep(page, "results")
    for language in ("az", "ru", "en"):
        with page.expect_navigation():
            page.locator("#language").select_option(language)
        ready(page)
        assert violations(page) == [], language
        if language != "en":
            assert "random arm" not in page.inner_text("main")
    page.set_viewport_size({"width": 360, "height": 800})
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 1200, "height": 900})

    # From there a run is asked for that learns from them, and compared with the one before.
    page.on("dialog", lambda dialog: dialog.accept())
    with page.expect_navigation():
        page.get_by_role("button", name="Make it anew").click()
    ready(page)
    link = page.get_by_role("link", name="Compare it with this run")
    for _ in range(A_WHILE // 2_000):
        if link.count():
            break
        assert "failed" not in page.inner_text("main"), page.inner_text("main")
        page.wait_for_timeout(2_000)
        page.reload()
    link.click()
    ready(page)
    assert "What moved" in page.inner_text("main")
    with page.expect_navigation():
        page.get_by_role("button", name="Put it on the desk").click()
    ready(page)
    right = page.locator("[data-right]")
    assert right.input_value() == "class-new"
    assert page.locator("img.whole-picture").evaluate("image => image.naturalWidth") > 100
    keep(page, "compared")
    assert violations(page) == []
    page.close()
