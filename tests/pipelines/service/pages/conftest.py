"""A desk that serves a run, and a browser to look at it with."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.people import add_account, confirm_factor, start_factor
from minerisk.pipelines.service.desk.desk import Caller
from minerisk.pipelines.service.desk.runs import offer, run_id
from minerisk.pipelines.service.pages.shell import STATIC
from minerisk.pipelines.service.serving import open_desk
from minerisk.pipelines.service.settings import settings_of
from minerisk.pipelines.steps import run_steps
from tests.pipelines.service.real_server import real_server

TINY = Path(__file__).parents[4] / "configs" / "tiny.yaml"
PASSWORD = "staple 7 heron lantern"
ROLES = {"mara": Role.MANAGER, "dan": Role.SCIENTIST, "rita": Role.REVIEWER,
         "ada": Role.ADMINISTRATOR}  # fmt: skip


@dataclass(frozen=True)
class Served:
    """A desk that answers at an address, and the run on it."""

    address: str
    run: str
    folder: Path
    home: Path
    secrets: dict[str, str]

    def code(self, name: str) -> str:
        """A code of the second factor that was not used yet: each is taken once."""
        time.sleep(0 if name not in self.used else 30 - time.time() % 30 + 0.1)
        self.used.append(name)
        return pyotp.TOTP(self.secrets[name]).now()

    @property
    def used(self) -> list[str]:
        return USED


USED: list[str] = []


@pytest.fixture(scope="module")
def served(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a copy of the tiny run, as `minerisk serve` does, with an account a role."""
    if not (STATIC / "desk.js").is_file():
        pytest.fail("The scripts of the desk are not built: make front")
    # Beside the original, as deep, so that its layers are found.
    folder = tiny_run.parent / "on-the-desk"
    shutil.copytree(tiny_run, folder)
    run_steps(TINY, folder, by="staff 12")  # nothing is done again
    home = tmp_path_factory.mktemp("desk")
    settings = settings_of({"home": home, "runs": tiny_run.parent}, source="test")
    desk, secrets, USED[:] = open_desk(settings), dict[str, str](), []
    with desk.store.write() as session:
        for name, role in ROLES.items():
            account = add_account(session, name, [role], PASSWORD, at=time.time())
            if role in (Role.REVIEWER, Role.ADMINISTRATOR):
                secrets[name] = start_factor(account)
                earlier = time.time() - 60
                confirm_factor(account, pyotp.TOTP(secrets[name]).at(earlier), at=earlier)
            session.flush()
            if role is Role.SCIENTIST:
                offer(desk, session, Caller(account.id, name), folder.name)
    with real_server("--home", home, "--runs", tiny_run.parent) as server:
        yield Served(server.address, run_id(folder.name), folder, home, secrets)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the Chromium of this machine."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("There is no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


QUIET_MS = 100
TELLS = """
let asked = 0, last = 0;
const pictures = new Set();
const moved = (by) => { asked += by; last = performance.now(); tell(); };
const tell = () => {
  for (const picture of pictures) if (picture.complete) { pictures.delete(picture); moved(0); }
  const quiet = asked + pictures.size === 0 && performance.now() - last >= QUIET_MS;
  document.documentElement?.toggleAttribute("data-quiet", quiet);
};
const own = window.fetch;
window.fetch = (...given) => { moved(1); return own(...given).finally(() => moved(-1)); };
const source = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
Object.defineProperty(HTMLImageElement.prototype, "src", {
  ...source, set(address) { pictures.add(this); moved(0); source.set.call(this, address); },
});
setInterval(tell, 20);
""".replace("QUIET_MS", str(QUIET_MS))
"""Has a page tell by data-quiet when no call of its scripts and no picture (a tile) is out."""


def new_context(browser: Browser, **given: object) -> BrowserContext:
    """Be somebody else in the browser; pages tell when what they ask for is there."""
    context = browser.new_context(locale="en-GB", **given)
    context.add_init_script(TELLS)
    return context


SignIn = Callable[[str], BrowserContext]


@pytest.fixture(scope="module")
def signed_in(served: Served, browser: Browser) -> Iterator[SignIn]:
    """Sign somebody in, once; a page that logs an error fails."""
    known: dict[str, BrowserContext] = {}

    def sign_in(name: str) -> BrowserContext:
        if name not in known:
            context = new_context(browser, viewport={"width": 1200, "height": 900})
            page = context.new_page()
            page.goto(served.address)
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill(PASSWORD)
            if name in served.secrets:
                page.get_by_label("Code of the second factor").fill(served.code(name))
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("button", name="Sign out").wait_for()
            page.close()
            known[name] = context
        return known[name]

    yield sign_in
    for context in known.values():
        context.close()


def ready(page: Page) -> Page:
    """Wait until the scripts of a page have started and what they ask for is there."""
    page.wait_for_selector("html[data-ready=yes][data-quiet]")
    return page
