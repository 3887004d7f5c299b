"""No page of the built site is wider than a window: ``python -m tests.docs.page_widths HTML``.

Every page is opened in Chromium, in a window as wide as a phone and in one as wide as a desk has.
"""

import functools
import http.server
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTHS = (390, 1_200)
OVER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Tell nothing of single calls."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def too_wide(folder: Path) -> list[str]:
    """List the pages that are wider than a window, a line each."""
    pages = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
    if not pages:
        return [f"{folder} holds no page."]
    found = []
    with served(folder) as address, sync_playwright() as programs:
        browser = programs.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 900})
            for name in pages:
                page.goto(f"{address}/{name}", wait_until="domcontentloaded")
                if (over := page.evaluate(OVER)) > 1:
                    found.append(f"{name} is {over} pixels wider than a window of {width}.")
        browser.close()
    sys.stdout.write(f"{len(pages)} pages, at {' and '.join(map(str, WIDTHS))} pixels.\n")
    return found


if __name__ == "__main__":
    wrong = too_wide(Path(sys.argv[1]))
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    sys.exit(bool(wrong))
