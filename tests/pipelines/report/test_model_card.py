import json
from itertools import pairwise

import pytest

from minerisk.features.errors import InputError
from minerisk.models.cautions import Caution, CautionCode
from minerisk.pipelines.language.messages import ENGLISH, LANGUAGES, texts
from minerisk.pipelines.report.model_card import ModelCard
from minerisk.pipelines.report.wording import INTENDED, NOT_FOR, Wording
from minerisk.pipelines.run.folder import Run


@pytest.fixture(scope="module")
def card(tiny_run):
    return ModelCard.of(Run.open(tiny_run))


def test_the_card_says_what_it_is_for_and_what_not(card):
    text = card.text()
    for words in (*INTENDED, *NOT_FOR):
        assert words in text
    for heading in (
        *("What went in", "Label rules", "Folds", "How good it is on land held out"),
        *("Calibration", "Where it can be applied", "Known failures", "Gates", "Reviews"),
    ):
        assert f"## {heading}" in text
    assert "nobody has reviewed this run" in text
    assert "SIMULATED" in text


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_table_of_the_card_is_one_in_markdown(card, language):
    lines = card.text(texts(language)).splitlines()
    tables = [line for line in lines if line.startswith("|")]
    assert len(tables) > 40
    for before, line in pairwise(lines):
        if line.startswith("|") and before.startswith("|"):
            assert line.count(" | ") == before.count(" | "), line
        elif line.startswith("|"):
            assert before == "", line
    for before, line in pairwise(lines):
        assert (before, line) != ("", ""), "two blank lines"


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_the_card_speaks_the_language_asked_for(card, language):
    told = texts(language)
    text = card.text(told)
    for words in (*INTENDED, *NOT_FOR, "Known failures", "Label rules"):
        assert told.say(words) in text
        assert words not in text


def test_the_record_holds_every_layer_with_licence_and_hash(card):
    layers = {row.name: row for row in card.record.data.layers}
    assert layers["elevation"].licence == "public domain"
    assert len(layers["elevation"].sha256) == 64
    assert layers["simulated_finds"].sha256 is None
    assert "| made by the run |" in card.text()
    json.loads(card.record.to_json(), parse_constant=pytest.fail)


def test_gates_that_were_not_passed_are_known_failures(card):
    wording = Wording(ENGLISH)
    failed = [wording.gate(gate) for gate in card.found.metrics.gates if not gate.passed]
    lines = wording.failures(card.found)
    told = [words for words in lines if words.startswith("gate not passed")]
    assert len(told) == len(failed)
    for words in failed:
        assert any(words in line for line in told)


def test_words_from_outside_stay_in_their_column(card):
    source = "a | b\n# <b>heading</b>"
    row = card.record.data.layers[0].model_copy(update={"source": source})
    data = card.record.data.model_copy(update={"layers": (row,)})
    changed = ModelCard(card.record.model_copy(update={"data": data}), card.found)
    assert "a \\| b # &lt;b>heading&lt;/b>" in changed.text()


def test_an_untrained_run_has_no_card(tiny_copy):
    (tiny_copy / "metrics.json").unlink()
    with pytest.raises(InputError):
        ModelCard.of(Run.open(tiny_copy))


def test_what_is_said_of_several_columns_is_said_once() -> None:
    smooth = [
        Caution(code=CautionCode.FEATURE_SMOOTH, feature=name, range_m=1_000 * km, block_m=17_000)
        for name, km in (("a_m", 280), ("b_m", 19.5), ("c", 30))
    ]
    constant = Caution(code=CautionCode.FEATURE_CONSTANT, feature="land_cover_shrub")
    first, second = Wording(ENGLISH).cautions([*smooth, constant])
    assert first.startswith("a_m stays alike over 280 km, more than the block of 17 km")
    assert first.endswith(" The same holds for: b_m, c.")
    assert second == "land_cover_shrub has one value everywhere, or none: leave it out."


@pytest.mark.parametrize("language", ["en", "az", "ru"])
def test_a_calibration_that_is_not_known_is_said_to_be_with_its_slope(language: str) -> None:
    caution = Caution(code=CautionCode.CALIBRATION_NOT_KNOWN, slope_low=0.3, slope_high=1.2)
    (words,) = Wording(texts(language)).cautions([caution])
    ends = ("0.3", "1.2") if language == "en" else ("0,3", "1,2")
    assert all(end in words for end in ends)
