"""No page of the built site is wider than a window: ``python -m tests.docs.page_widths HTML``.

Every page is opened in Chromium, in a window as wide as a phone and in one as wide as a desk has.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTHS = (390, 1_200)
OVER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def too_wide(folder: Path) -> list[str]:
    """List the pages that are wider than a window, a line each."""
    pages = sorted(folder.resolve().rglob("*.html"))
    if not pages:
        return [f"{folder} holds no page."]
    found = []
    with sync_playwright() as programs:
        browser = programs.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 900})
            for path in pages:
                page.goto(path.as_uri(), wait_until="domcontentloaded")
                if (over := page.evaluate(OVER)) > 1:
                    found.append(f"{path} is {over} pixels wider than a window of {width}.")
        browser.close()
    sys.stdout.write(f"{len(pages)} pages, at {' and '.join(map(str, WIDTHS))} pixels.\n")
    return found


if __name__ == "__main__":
    wrong = too_wide(Path(sys.argv[1]))
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    sys.exit(bool(wrong))
