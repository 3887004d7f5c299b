"""The form of a task is one that KoBo, ODK and Survey123 take, in every language."""

import shutil
from pathlib import Path

import pytest

from minerisk.pipelines.formats.survey_form import FIELDS, field_names, write_survey_form
from minerisk.pipelines.language.messages import LANGUAGES

pytest.importorskip("pyxform")
load_workbook = pytest.importorskip("openpyxl").load_workbook


def form(folder: Path, task: str = "NTS-0003") -> Path:
    title, marks = "Tiny NTS-0003", "DRAFT · SIMULATED"
    return write_survey_form(folder / "form.xlsx", task=task, form="f1", title=title, marks=marks)


def test_pyxform_takes_it_and_odk_validate_too(tmp_path: Path) -> None:
    from pyxform.xls2xform import convert

    java = shutil.which("java") is not None
    made = convert(str(form(tmp_path)), validate=java)
    text = made.xform
    assert [warning for warning in made.warnings if "translation" in warning.lower()] == []
    for name in FIELDS:
        assert f"/{name}" in text
    for language, name in LANGUAGES.items():
        assert f'lang="{name} ({language})"' in text
    assert "<task>NTS-0003</task>" in text
    assert "SIMULATED" in text
    assert 'esri:fieldType="null"' in text  # Survey123 keeps one geometry of a form
    if not java:
        pytest.skip("ODK Validate needs Java (Debian: default-jre-headless)")


def test_the_same_task_gives_the_same_bytes(tmp_path: Path) -> None:
    first = form(tmp_path).read_bytes()
    assert form(tmp_path).read_bytes() == first


def test_the_name_of_a_task_is_words_and_no_formula(tmp_path: Path) -> None:
    sheet = load_workbook(form(tmp_path, task="=1+1"))["survey"]
    rows = {row[1].value: row for row in sheet.iter_rows(min_row=2)}
    header = [cell.value for cell in sheet[1]]
    cell = rows["task"][header.index("default")]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_a_column_is_known_by_its_words_in_every_language() -> None:
    known = field_names()
    assert known["reliability"] == "reliability"
    assert known["land that was searched"] == "land"
    assert known["обследовано гектаров"] == "searched_ha"
    assert len(set(known.values())) == len(FIELDS)
