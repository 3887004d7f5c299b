"""The report of a pack in a real browser: symbols and numbers of its map when it is zoomed."""

import shutil

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_symbols_keep_their_size_when_the_map_is_zoomed_and_a_row_leads_to_its_place(packs):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 850})
        page.goto((packs[0] / "report.html").as_uri())
        row = page.locator("a[id^='row-']").first
        row.click()
        place = page.locator(".chart g:target text").first
        marker = page.locator(".chart g[id^=PathCollection] use").last
        off = """one => {
            const there = one.ownerSVGElement.getScreenCTM(), box = one.getBoundingClientRect();
            return [box.x + box.width / 2 - there.a * one.x.baseVal.value - there.e,
                    box.y + box.height / 2 - there.d * one.y.baseVal.value - there.f];
        }"""
        sizes = {}
        for zoom in (1, 2, 4, 8):
            page.locator(f"label[for=zoom{zoom}]").click()
            sizes[zoom] = [one.bounding_box()["height"] for one in (marker, place)]
            assert marker.evaluate(off) == pytest.approx([0, 0], abs=5)  # where it belongs
            assert page.locator(".zoom .mark").is_visible() == (zoom > 1)
        for zoom in (2, 4, 8):
            assert sizes[zoom] == pytest.approx(sizes[1], rel=0.35)
        page.locator(".chart g:target a").first.click()
        assert page.url.endswith("#" + row.get_attribute("id"))
        browser.close()
