"""Sentences go out as a table, come back corrected, and nothing wrong comes in."""

import csv
import io
import shutil
from pathlib import Path
from typing import get_args

import pytest

from minerisk.configs import languages
from minerisk.features.errors import InputError
from minerisk.pipelines.language.messages import LANGUAGES, LOCALE, texts
from minerisk.pipelines.records import choices
from minerisk.pipelines.translate import corrections
from minerisk.pipelines.translate.corrections import export_sentences, import_sentences
from minerisk.pipelines.translate.harm import harm_of
from minerisk.pipelines.translate.places import places

CANNOT = "The model cannot say here."
SHARE = "Cannot say: %(share)s of the study area."


@pytest.fixture
def locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the catalogues, so that those of the program stay."""
    folder = tmp_path / "locale"
    shutil.copytree(LOCALE, folder)
    monkeypatch.setattr(corrections, "LOCALE", folder)
    monkeypatch.setattr("minerisk.pipelines.language.messages.LOCALE", folder)
    yield folder
    texts.cache_clear()


def exported(tmp_path: Path, language: str = "az", *, everything: bool = True) -> list[dict]:
    path = tmp_path / "out.csv"
    export_sentences(language, path, everything=everything)
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig")), delimiter=";"))


def given(
    tmp_path: Path, rows: list[dict], *, sign: str = ";", encoding: str = "utf-8-sig"
) -> Path:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=sign)
    writer.writeheader()
    writer.writerows(rows)
    path = tmp_path / "in.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    return path


def row_of(rows: list[dict], english: str) -> dict:
    return next(row for row in rows if row["english"] == english)


@pytest.mark.parametrize("language", ["az", "ru"])
def test_a_table_comes_back_as_it_went_and_changes_no_byte(
    locale: Path, tmp_path: Path, language: str
) -> None:
    before = (locale / language / "LC_MESSAGES" / "minerisk.po").read_bytes()
    export_sentences(language, tmp_path / "all.csv", everything=True)
    taken = import_sentences(tmp_path / "all.csv")
    assert taken.changed == {language: 0}
    assert (locale / language / "LC_MESSAGES" / "minerisk.po").read_bytes() == before


def test_a_corrected_sentence_is_what_pages_say_and_no_other_entry_moves(
    locale: Path, tmp_path: Path
) -> None:
    before = (locale / "az" / "LC_MESSAGES" / "minerisk.po").read_text().split("\n\n")
    row = row_of(exported(tmp_path), CANNOT) | {"translation": "Burada heç nə demək olmur."}
    assert import_sentences(given(tmp_path, [row])).changed == {"az": 1}
    assert texts("az").say(CANNOT) == "Burada heç nə demək olmur."
    after = (locale / "az" / "LC_MESSAGES" / "minerisk.po").read_text().split("\n\n")
    assert len(set(after) - set(before)) == len(set(before) - set(after)) == 1


def test_a_plural_form_is_corrected_by_itself(locale: Path, tmp_path: Path) -> None:
    rows = [row for row in exported(tmp_path, "ru") if row["english"] == "%(count)s folds"]
    assert [row["form"] for row in rows] == ["2", "3"]
    import_sentences(given(tmp_path, [rows[1] | {"translation": "%(count)s разбиений"}]))
    told = [texts("ru").counted("%(count)s fold", "%(count)s folds", n) for n in (1, 2, 5)]
    assert told[2] == "%(count)s разбиений"
    assert told[1] == rows[0]["translation"]


@pytest.mark.parametrize("sign", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_as_a_spreadsheet_saves_it(
    locale: Path, tmp_path: Path, sign: str, encoding: str
) -> None:
    row = row_of(exported(tmp_path), CANNOT) | {"translation": "Burada, “ə”; demək olmur."}
    back = {"a new column": "x", **dict(reversed(row.items()))}
    import_sentences(given(tmp_path, [back], sign=sign, encoding=encoding))
    assert texts("az").say(CANNOT) == "Burada, “ə”; demək olmur."


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"translation": "Demək olmur: ərazinin hissəsi."}, r"nothing to be filled.*%\(share\)s"),
        ({"translation": "Demək olmur: %(share)s {x}."}, r"has %\(share\)s, \{x\}"),
        ({"translation": "Demək olmur: <b>%(share)s</b>."}, "</b>, <b>"),
        ({"translation": "Demək olmur: %(share)s {."}, "braces do not match"),
        ({"translation": "Demək olmur:\n%(share)s."}, "line break"),
        ({"translation": "Demək olmur: %(share)s təhlükəsizdir."}, "təhlükəsiz"),
        ({"translation": "Demək olmur: %(share)s safe."}, "'safe'"),
        ({"translation": " "}, "is empty"),
        ({"key": "s000000000000"}, "no sentence has the key 's000000000000'"),
        ({"form": "2"}, "form 2 of 1"),
        ({"form": "first"}, "the form is 'first'"),
        ({"language": "fr"}, "'fr'; expected one of az, ru"),
    ],
)
def test_a_row_that_is_wrong_is_named_and_nothing_is_written(
    locale: Path, tmp_path: Path, change: dict, expected: str
) -> None:
    before = (locale / "az" / "LC_MESSAGES" / "minerisk.po").read_bytes()
    rows = exported(tmp_path)
    good = row_of(rows, CANNOT) | {"translation": "Burada heç nə demək olmur."}
    table = given(tmp_path, [good, row_of(rows, SHARE) | change])
    with pytest.raises(InputError, match=expected) as refusal:
        import_sentences(table)
    assert "line 3" in str(refusal.value) or "\n" in change.get("translation", "")
    assert (locale / "az" / "LC_MESSAGES" / "minerisk.po").read_bytes() == before


def test_one_sentence_with_two_translations_is_refused(locale: Path, tmp_path: Path) -> None:
    row = row_of(exported(tmp_path), CANNOT)
    twice = [row, row | {"translation": "Burada heç nə demək olmur."}]
    with pytest.raises(InputError, match="there twice"):
        import_sentences(given(tmp_path, twice))


def test_a_table_of_other_columns_or_letters_is_refused(locale: Path, tmp_path: Path) -> None:
    row = row_of(exported(tmp_path), CANNOT)
    with pytest.raises(InputError, match="has no column key, language"):
        import_sentences(given(tmp_path, [{"form": "1", "translation": "x"}]))
    with pytest.raises(InputError, match="not in UTF-8"):
        import_sentences(given(tmp_path, [row | {"translation": "öz"}], encoding="iso8859-9"))
    with pytest.raises(InputError, match="There is no table"):
        import_sentences(tmp_path / "none.csv")


def test_another_term_is_taken_and_named(locale: Path, tmp_path: Path) -> None:
    row = row_of(exported(tmp_path), CANNOT) | {"translation": "Burada məlum deyil."}
    taken = import_sentences(given(tmp_path, [row]))
    assert taken.changed == {"az": 1}
    assert taken.terms == ("line 2: 'cannot say' is called 'demək olmur' everywhere else",)


def test_what_does_most_harm_comes_first_and_alone_unless_all_are_asked_for(
    locale: Path, tmp_path: Path
) -> None:
    grave, whole = exported(tmp_path, everything=False), exported(tmp_path)
    assert grave == whole[: len(grave)]
    assert 0 < len(grave) < len(whole)
    steps = [row["harm"][0] for row in whole]
    assert steps == sorted(steps)
    assert {row["harm"][0] for row in grave} == {"1", "2", "3"}
    first = {row["english"] for row in whole if row["harm"].startswith("1")}
    assert {CANNOT, SHARE, "lower: survey later; contamination is still possible"} <= first
    assert row_of(whole, CANNOT)["shown_in"].startswith("pack")


@pytest.mark.parametrize(
    ("english", "step"),
    [
        ("cannot say", 1),
        ("It does not decide that land needs no survey.", 1),
        ("DRAFT: nobody has approved this run", 2),
        ("SIMULATED findings: evidence of nothing real", 2),
        ("Begin with band 1.", 3),
        ("Probability of contamination", 4),
        ("Zoom in", 5),
        ("the file {draft} of `lower.csv`", 5),
    ],
)
def test_harm_of_a_sentence(english: str, step: int) -> None:
    assert harm_of(english)[0] == step


def test_a_word_that_looks_like_a_formula_goes_out_guarded_and_comes_back(
    locale: Path, tmp_path: Path
) -> None:
    row = row_of(exported(tmp_path), CANNOT) | {"translation": "'=1+1: demək olmur"}
    import_sentences(given(tmp_path, [row]))
    assert texts("az").say(CANNOT) == "=1+1: demək olmur"
    assert row_of(exported(tmp_path), CANNOT)["translation"] == "'=1+1: demək olmur"


def test_places_are_those_in_braces_in_templates_and_tags() -> None:
    found = places("{a:share} of %(b)s, <b>100 %%</b>")
    assert found == ["%%", "%(b)s", "</b>", "<b>", "{a:share}"]


def test_languages_that_are_translated_are_the_same_everywhere() -> None:
    foreign = set(LANGUAGES) - {"en"}
    assert (
        set(get_args(languages.OtherLanguage))
        == set(get_args(choices.Language)) - {"en"}
        == foreign
    )
