"""No word in what users read may claim that land holds no contamination."""

import ast
import colorsys
import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from minerisk.features.cube.store import open_cube
from minerisk.pipelines.formats import palette
from minerisk.pipelines.language.messages import LANGUAGES, LOCALE
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.report.report import report_of_run
from minerisk.pipelines.request.opening import open_request
from minerisk.pipelines.request.pack import make_packs
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.translate.forbidden import FORBIDDEN, FORBIDDEN_IN

ROOT = Path(__file__).parents[2]
ROOMS = ("features", "models", "pipelines", "configs")
# Patterns of columns, a kind of evidence, a colour channel, disk space and headers claim nothing.
ALLOWED = re.compile(
    r"clear\(ed\|ance\)|\ACleared( Area)?\Z|\AGreen\Z|<Name>Green</Name>|\bgreen=\""
    r"|\bfree (disk )?space\b|\bspace free\b|\AClear-Site-Data\Z",
    re.IGNORECASE,
)

# Pictures, and a kind of evidence in a column of its own.
DATA = re.compile(
    r"(?<=[|:,\"]) ?cleared(?= row| \||[,\"\n<])"
    r'|value="Cleared Area"'  # the code of IMSMA; shown are our words
    r"|data:image/png;base64,[A-Za-z0-9+/=]+|<style>.*?</style>",
    re.DOTALL,
)


def strings_of(source: str) -> Iterator[tuple[int, str]]:
    """String constants of a module that are not docstrings."""
    tree = ast.parse(source)
    documentation = {
        id(node.value)
        for parent in ast.walk(tree)
        if isinstance(parent, ast.Module | ast.ClassDef | ast.FunctionDef)
        for node in parent.body
        if isinstance(node, ast.Expr)
    }
    for node in ast.walk(tree):
        words = node.value if isinstance(node, ast.Constant) else None
        if isinstance(words, str) and id(node) not in documentation:
            yield node.lineno, words


def forbidden(text: str) -> list[str]:
    return [found.group() for found in FORBIDDEN.finditer(ALLOWED.sub("", text))]


@pytest.mark.parametrize(
    "text",
    ["This land is safe.", "The area is clear of mines", "mine-free", "Released land", "No risk"],
)
def test_the_guard_sees_forbidden_words(text):
    assert forbidden(text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("az", "Bu torpaq təhlükəsizdir."),
        ("az", "Ərazi minalardan təmizlənib"),
        ("az", "minasız ərazi"),
        ("az", "azad edilmiş torpaq"),
        ("az", "Burada risk yoxdur"),
        ("ru", "Здесь безопасно."),
        ("ru", "Земля чиста"),
        ("ru", "свободно от мин"),
        ("ru", "Освобождённая земля"),
        ("ru", "Риска нет"),
    ],
)
def test_the_guard_sees_forbidden_words_of_other_languages(language, text):
    assert FORBIDDEN_IN[language].search(text)


@pytest.mark.parametrize("language", sorted(FORBIDDEN_IN))
def test_the_guard_lets_survey_words_of_other_languages_pass(language):
    plain = {"az": "sonra tədqiq edilsin; çirklənmə mümkündür", "ru": "обследовать позже"}
    assert not FORBIDDEN_IN[language].search(plain[language])


def test_every_language_has_its_guard():
    assert set(FORBIDDEN_IN) == set(LANGUAGES) - {"en"}


@pytest.mark.parametrize("language", sorted(FORBIDDEN_IN))
def test_catalogues_make_no_claim(language):
    """Neither in the language, nor in English that was left in it."""
    with (LOCALE / language / "LC_MESSAGES" / "minerisk.po").open("rb") as stream:
        rows = list(read_po(stream, locale=language))
    claims = [
        f"{words!r} in {translation!r}"
        for row in rows[1:]
        for translation in ([row.string] if isinstance(row.string, str) else row.string)
        for words in [*FORBIDDEN_IN[language].findall(translation), *forbidden(translation)]
    ]
    assert not claims


@pytest.mark.parametrize(
    "text", ["cleared_areas", "cleared", "no clearance label is public", "survey later"]
)
def test_the_guard_lets_plain_words_pass(text):
    assert not forbidden(text)


@pytest.mark.parametrize("path", sorted(ROOT.glob("pipelines/**/*.j2")), ids=lambda path: path.name)
def test_templates_make_no_claim(path):
    assert not forbidden(path.read_text(encoding="utf-8"))


def test_the_page_for_survey_managers_makes_no_claim():
    assert not forbidden((ROOT / "docs" / "survey-managers.md").read_text(encoding="utf-8"))


def test_nothing_that_is_handed_out_makes_a_claim(tiny_run, tmp_path):
    """Also words put together from parts; names of layers, columns and gates are data."""
    make_packs(open_request(tiny_run, Filters()), tmp_path / "pack", public=True, unapproved=True)
    claims = {
        f"{path.parent.name}/{path.name}: {words}"
        for path in sorted(tmp_path.rglob("*"))
        if path.suffix in {".html", ".md", ".txt", ".qgs", ".kml", ".geojson", ".csv", ".qml"}
        for words in forbidden(DATA.sub("", path.read_text(encoding="utf-8")))
    }
    assert not claims


@pytest.mark.parametrize("language", sorted(FORBIDDEN_IN))
def test_a_report_in_another_language_makes_no_claim(tiny_copy, language):
    run = Run.open(tiny_copy)
    said = DATA.sub("", report_of_run(run, language).read_text(encoding="utf-8"))
    assert f'<html lang="{language}">' in said
    assert FORBIDDEN_IN[language].findall(said) == forbidden(said) == []
    left = english_left(said, run) if language == "ru" else []
    assert not left, f"{len(left)} lines are still English:\n" + "\n".join(left)


def english_left(page, run):
    """Lines with three English words in a row; names of layers, columns and sources are data."""
    config = run.config.model_dump(mode="json")
    sources = [layer.get("source") or "" for layer in config["layers"].values()]
    licences = [layer.get("licence") or "" for layer in config["layers"].values()]
    columns = [name.replace("_", " ") for name in open_cube(run.folder / "cube.zarr").data_vars]
    data = {config["study_area"]["title"], *sources, *licences, *columns, "minerisk run config",
            "minerisk audit verify RUN"}  # fmt: skip
    lines = html.unescape(re.sub(r"<[^>]+>", "\n", page)).splitlines()
    english = re.compile(r"[A-Za-z]{2,}(?:[ ,;:]+[a-z]{2,}){2,}")
    settings = re.compile(r"(feature share|min cells in leaf|colsample|leaves).*")
    return [
        line
        for line in dict.fromkeys(lines)
        if english.search(settings.sub("", line)) and not any(d and d in line for d in data)
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_strings_in_code_make_no_claim(room):
    claims = [
        f"{path.relative_to(ROOT)}:{line}: {words}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, text in strings_of(path.read_text(encoding="utf-8"))
        if (words := forbidden(text))
    ]
    assert not claims, "\n".join(claims)


def test_no_colour_of_a_map_is_green():
    colours = [
        *palette.CLASS_COLOURS.values(),
        *palette.AREA_LEGEND.colours.values(),
        *(colour for _, colour, _ in palette.PROBABILITY_RAMP),
        *(colour for _, colour, _ in palette.DISSIMILARITY_RAMP),
    ]
    for colour in colours:
        red, green, blue, _ = (byte / 255 for byte in palette.rgba(colour))
        hue, saturation, _ = colorsys.rgb_to_hsv(red, green, blue)
        assert saturation < 0.05 or not 60 / 360 <= hue <= 185 / 360, colour


def test_cannot_say_is_grey_and_lower_is_not():
    red, green, blue, _ = palette.rgba(palette.CLASS_COLOURS[palette.CANNOT_SAY])
    assert red == green == blue
    red, green, blue, _ = palette.rgba(palette.CLASS_COLOURS[palette.LOWER])
    assert max(red, green, blue) - min(red, green, blue) > 40
    assert min(red, green, blue) < 200
