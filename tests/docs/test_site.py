"""The site is made of the pages in docs/, of scripts that run, and of nothing from elsewhere."""

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

from docs.build import site

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SCRIPTS = sorted((DOCS / "gallery").glob("*.py"))
ALONE = ("area_of_applicability", "interval", "own_feature", "line_off_by_a_kilometre")
"""Scripts that take a second or two, and no run; `make site` runs all."""


def test_every_setting_has_a_sentence_and_every_type_a_section() -> None:
    page = site.configuration_page()
    schema = json.loads((ROOT / "configs" / "schema.json").read_text(encoding="utf-8"))
    settings = [
        key for part in (schema, *schema["$defs"].values()) for key in part.get("properties", ())
    ]
    assert len(re.findall(r"^\| `", page, re.MULTILINE)) == len(settings)
    rows = [row for row in page.splitlines() if row.startswith("| `")]
    assert all(row.rsplit("|", 2)[1].strip() for row in rows)
    sections = {name.lower() for name in re.findall(r"^## (.*)$", page, re.MULTILINE)}
    assert set(re.findall(r"\(#(\w+)\)", page)) <= sections


def test_the_reference_has_every_public_name() -> None:
    import minerisk

    page = site.reference_page()
    assert all(
        re.search(rf"^::: minerisk\.\S+\.{name}$", page, re.MULTILINE) for name in minerisk.__all__
    )


def test_the_menu_names_pages_that_are_there() -> None:
    menu = yaml.load((DOCS / "build" / "mkdocs.yml").read_text(encoding="utf-8"), yaml.SafeLoader)
    named = re.findall(r"[\w/-]+\.md", json.dumps(menu["nav"]))
    made = {"readme.md", "configuration.md", "reference.md", "notebook.md", "gallery/index.md"}
    assert [name for name in named if name not in made and not (DOCS / name).is_file()] == []
    ways = {f"ways/{way}.md" for way in ("scientist", "manager", "reviewer", "operator")}
    assert ways <= set(named)


def test_links_lead_to_pages_of_the_site_or_name_a_file() -> None:
    page, target = DOCS / "ways" / "scientist.md", site.OUT / "source" / "ways" / "scientist.md"
    text = (
        "[a](../methods.md#x) [b](../../README.md) [c](../gallery/interval.py) [d](https://x.org) "
        "[e](../../configs/schema.json) [f](../../models/table.py) ![g](../mlflow/run.png)"
    )
    assert site.linked(text, page, target) == (
        "[a](../methods.md#x) [b](../readme.md) [c](../gallery/interval.md) [d](https://x.org) "
        "[e](../configuration.md) f (`models/table.py`) ![g](../mlflow/run.png)"
    )


def test_the_gallery_has_ten_scripts_each_with_a_title_and_a_page_that_leads_to_it() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in DOCS.glob("**/*.md"))
    assert len(SCRIPTS) >= 10
    for path in SCRIPTS:
        words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert words
        assert len(words.splitlines()) > 2
        assert f"gallery/{path.name}" in pages, path.name


@pytest.mark.parametrize("name", ALONE)
def test_a_script_of_the_gallery_runs(name: str, tmp_path: Path) -> None:
    code = (DOCS / "gallery" / f"{name}.py").read_text(encoding="utf-8")
    printed, drawn = site.executed(code, {"__name__": name}, tmp_path, name)
    assert printed
    assert (tmp_path / drawn[0]).stat().st_size > 5_000


def test_the_ten_questions_are_answered_on_the_site() -> None:
    page = (DOCS / "ten-questions.md").read_text("utf-8")
    rows, tried = (
        re.findall(r"^\| \d+ \|.*$", part, re.MULTILINE) for part in page.split("\n## Tried")
    )
    assert len(rows) == len(tried) == 10
    assert all(re.search(r"\]\(", row.split("|")[3]) for row in rows)


def test_scripts_that_look_at_a_run_take_the_one_that_the_gallery_tells_to_make() -> None:
    takes = [path for path in SCRIPTS if "GALLERY_RUN" in path.read_text(encoding="utf-8")]
    assert len(takes) > 5
    for path in takes:
        text = path.read_text(encoding="utf-8")
        assert text.count("GALLERY_RUN") == text.count('"GALLERY_RUN", "runs/tiny"'), path.name
    assert "os.environ[" not in "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)


def test_the_search_of_the_site_runs_where_a_page_is_opened_as_a_file(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("not installed: chromium")
    source = tmp_path / "source"
    site.write(source / "index.md", "# Start\n\nA heron stands on the bank.\n")
    site.copy_script(source)
    site.build(source, tmp_path / "html", nav=[{"Start": "index.md"}])
    with playwright.sync_playwright() as programs:
        browser = programs.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto((tmp_path / "html" / "index.html").as_uri())
        page.fill("input.md-search__input", "heron")
        page.wait_for_selector(".md-search-result__item mark")
        browser.close()
