"""Every page by every role, by keyboard alone, on a phone, in three languages; what people do."""

import base64
import json
import re
import shutil
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import box

from minerisk.pipelines.audit.decide import Decision, review_run
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.service.accounts.access import RULES
from tests.pipelines.service.pages.conftest import (
    PASSWORD,
    ROLES,
    Served,
    SignIn,
    new_context,
    ready,
)
from tests.pipelines.service.pages.test_screens import opened, violations

pytest.importorskip("playwright")

NO_PAGES = {"/runs/{run}/cell", "/requests/{asked}/cell", "/requests/{asked}/progress",
            "/sign-in/provider", "/sign-in/provider/back", "/sign-out/provider",
            "/static/{name}"}  # fmt: skip
PAGES = sorted(
    path
    for method, path in (rule.split() for rule in RULES)
    if method == "GET"
    and not path.startswith(("/api/", "/tiles/"))
    and path not in NO_PAGES
    and not path.endswith(".png")
)
CORNERS = "39.50, 47.25\n39.50, 47.30\n39.55, 47.30\n39.55, 47.25"
COOKIE, LANGUAGES = "__Host-desk-language", ("az", "ru")


@pytest.fixture(scope="module")
def asked(served: Served, signed_in: SignIn) -> dict[str, str]:
    """A request of the manager's that is done, of an approved run, and a task of it."""
    review_run(Run.open(served.folder), Decision("approve", by="reviewer 7", note="looked at"))
    context = signed_in("mara")
    page = opened(context, f"{served.address}/requests")
    form = page.evaluate("document.body.dataset.formWord")
    done = context.request.post(
        f"{served.address}/api/requests",
        data={"run": served.run, "shared": True, "note": "the whole area"},
        headers={"X-Desk-Form": form},
    )
    assert done.status == 202, done.text()
    name = done.json()["id"]
    page.goto(f"{served.address}/requests/{name}")
    page.locator(".task").first.wait_for(timeout=300_000)
    task = page.locator(".task").first.get_attribute("data-task")
    page.close()
    return {"run": served.run, "asked": name, "task": task}


def place_of(address: str, known: dict[str, str]) -> str:
    """Fill an address; of what is not known, with the id of nothing."""
    return re.sub(r"\{(\w+)[^}]*\}", lambda part: known.get(part[1], "a" * 32), address)


def looked_at(page, width: int, place: str) -> None:
    assert violations(page) == [], (place, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, (place, width)


@pytest.mark.parametrize("name", [*ROLES, "nobody"])
def test_every_page_can_be_used_by_every_role(served, browser, signed_in, asked, name) -> None:
    """A refusal, and a page that others lead to, is the same wherever it stands: looked at once."""
    context = new_context(browser) if name == "nobody" else signed_in(name)
    page, refused, looked = context.new_page(), set(), set()
    page.goto(served.address)
    for number, address in enumerate(PAGES):
        place = place_of(address, asked)
        for width, scheme, language in (
            (1200, "light", "en"),
            (360, "dark", LANGUAGES[number % 2]),
        ):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            page.evaluate(f"document.cookie = '{COOKIE}={language}; Path=/; Secure'")
            status = page.goto(served.address + place).status
            if (status, width) in refused:
                continue
            refused |= {(status, width)} - {(200, width)}
            assert status in {200, 401, 403, 404}, (place, status)
            assert page.evaluate("document.documentElement.lang") == language
            shown = (page.url.partition("?")[0], width, language)
            if shown in looked:
                continue
            looked.add(shown)
            looked_at(ready(page), width, place)
    page.evaluate(f"document.cookie = '{COOKIE}=en; Path=/; Secure'")
    page.close()


def test_pages_that_are_shown_are_those_that_the_table_names(served, signed_in, asked) -> None:
    for name, role in ROLES.items():
        for address in PAGES:
            rule = RULES[f"GET {address}"]
            if set(re.findall(r"\{(\w+)", address)) - set(asked):
                continue  # of something that is not there
            found = signed_in(name).request.get(
                served.address + address.format(**asked), headers={"Accept": "text/html"}
            )
            may = rule.anyone or rule.signed_in or role in rule.roles
            assert (found.status == 200) is may, (name, address, found.status)


def test_the_language_that_is_chosen_stays(served, signed_in, asked) -> None:
    context = signed_in("ada")
    page = opened(context, f"{served.address}/status")
    page.get_by_label("Language").select_option("az")
    page.wait_for_selector("html[lang=az]")
    again = opened(context, f"{served.address}/accounts")
    assert again.evaluate("document.documentElement.lang") == "az"
    again.locator("#language").select_option("en")
    again.wait_for_selector("html[lang=en]")
    page.close()
    again.close()


class Keyboard:
    """A person who has no mouse."""

    def __init__(self, page) -> None:
        self.page = page

    def named(self) -> str:
        return self.page.evaluate(
            "(() => { const at = document.activeElement; "
            "return [at.id, at.name, at.value, at.innerText, at.getAttribute('aria-label')]"
            ".filter(Boolean).join(' | ') })()"
        )

    def to(self, words: str, *, back: bool = False) -> None:
        """Press Tab until what has the focus is called so; a focus that cannot be seen fails."""
        for _ in range(120):
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
            if re.search(words, self.named()):
                assert self.page.evaluate("document.activeElement.matches(':focus-visible')")
                return
        pytest.fail(f"Tab does not lead to {words}: it is at {self.named()}")

    def press(self, words: str, *, back: bool = False) -> None:
        self.to(words, back=back)
        self.page.keyboard.press("Enter")

    def write(self, words: str) -> None:
        self.page.keyboard.type(words)


def test_the_whole_path_by_keyboard_alone(served, browser, asked) -> None:
    context = new_context(browser, viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.goto(served.address)
    hands = Keyboard(ready(page))
    assert "name" in hands.named()
    hands.write("mara")
    page.keyboard.press("Tab")
    hands.write(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign out").wait_for()
    ready(page)
    page.keyboard.press("Tab")
    assert "To the content" in hands.named()  # the first stop leads past the heading
    page.keyboard.press("Enter")
    if "/runs/" not in page.url:
        hands.press("tiny|Tiny|study area")
    ready(page)
    hands.press("Ask for an area")
    page.wait_for_url("**/ask")
    ready(page)
    hands.to("corners")
    hands.write(CORNERS)
    for heading in ("What", "Copy", "Check"):
        hands.press("^Next")
        page.get_by_role("heading", name=heading, exact=True).wait_for()
        assert page.evaluate("document.activeElement.innerText") == heading
    hands.press("^Ask$")
    page.locator(".task").first.wait_for(timeout=300_000)
    ready(page)
    hands.to(r"^Map|map")  # the cell under the cross
    page.locator(".map").focus()
    page.keyboard.press("Enter")
    page.locator("[data-cell] dl").wait_for()
    hands.press("On the map")
    assert page.locator(".task[aria-current]").count() == 1
    hands.to("Download the pack", back=True)
    hands.press("Sign out", back=True)
    page.wait_for_url("**/sign-in")
    context.close()


def sent_files(folder: Path) -> dict[str, Path]:
    """The same land as people send it: each kind of file, in a system of its own."""
    land = gpd.GeoDataFrame({"name": ["north"]}, geometry=[box(47.25, 39.5, 47.3, 39.55)],
                            crs="EPSG:4326")  # fmt: skip
    land.to_crs(32638).to_file(folder / "land.gpkg")
    land.to_file(folder / "land.geojson")
    (folder / "shape").mkdir()
    land.to_crs(32638).to_file(folder / "shape" / "land.shp")
    shutil.make_archive(str(folder / "land"), "zip", folder / "shape")
    ring = " ".join(f"{x},{y},0" for x, y in land.geometry[0].exterior.coords)
    (folder / "land.kml").write_text(
        '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark>'
        f"<Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing>"
        "</outerBoundaryIs></Polygon></Placemark></Document></kml>"
    )
    return {kind: folder / f"land.{kind}" for kind in ("gpkg", "geojson", "zip", "kml")}


def test_each_kind_of_file_is_sent_in_the_browser(served, signed_in, asked, tmp_path) -> None:
    page = signed_in("mara").new_page()
    said = set()
    for path in sent_files(tmp_path).values():
        page.goto(f"{served.address}/runs/{served.run}/ask")
        ready(page)
        page.get_by_label("a file of polygons").check()
        page.locator("#file").set_input_files(path)
        for heading in ("What", "Copy", "Check"):
            page.get_by_role("button", name="Next").click()
            page.get_by_role("heading", name=heading, exact=True).wait_for()
        check = page.locator("[data-check]").inner_text()
        said.add(re.search(r"[\d,.\s]+ ha", check).group().strip())
    assert len(said) == 1, said  # the same land, whatever it came in
    (tmp_path / "bad.kml").write_text("<kml>")
    page.goto(f"{served.address}/runs/{served.run}/ask")
    ready(page).get_by_label("a file of polygons").check()
    page.locator("#file").set_input_files(tmp_path / "bad.kml")
    page.get_by_role("button", name="Next").click()
    page.locator("form .problem b").wait_for()
    looked_at(page, 1200, "a refusal in a form")
    page.close()


def test_a_request_is_cancelled_on_its_page(served, signed_in, asked) -> None:
    """One of another day is under way for long enough."""
    context = signed_in("mara")
    page = opened(context, f"{served.address}/runs/{served.run}/ask")
    page.get_by_label("the whole study area").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("As of").fill("2020-01-01")
    for _ in range(2):
        page.get_by_role("button", name="Next").click()
    page.get_by_role("heading", name="Check", exact=True).wait_for()
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_role("button", name="Cancel the request").click()
    page.get_by_text("cancelled").first.wait_for(timeout=60_000)
    looked_at(page, 1200, "cancelled")
    page.close()


def test_a_decision_is_signed_in_the_browser_and_the_key_stays(served, signed_in, asked) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    page = opened(signed_in("rita"), f"{served.address}/runs/{served.run}/review")
    sent: list[str] = []
    page.on("request", lambda call: sent.append(call.post_data or ""))
    page.get_by_role("radio", name="reject").check()
    page.get_by_label("Why").fill("A layer was wrong.")
    page.get_by_text("Sign it").click()
    page.get_by_label("Private key (PEM)").fill(pem)
    page.get_by_role("button", name="Record the decision").click()
    page.get_by_role("cell", name="A layer was wrong.").wait_for()
    looked_at(page, 1200, "signed")
    secret = "".join(pem.splitlines()[1:-1])
    assert sent
    assert not any(secret in body or "PRIVATE" in body for body in sent)
    last = json.loads((served.folder / "reviews.jsonl").read_text().splitlines()[-1])
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert base64.b64encode(public).decode() in json.dumps(last)
    page.close()
