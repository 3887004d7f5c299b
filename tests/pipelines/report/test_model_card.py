import json

import pytest

from minerisk.features.errors import InputError
from minerisk.pipelines.report.model_card import (
    INTENDED,
    NOT_FOR,
    _gathered,
    card_record,
    card_text,
)
from minerisk.pipelines.run.readers import read_metrics


@pytest.fixture(scope="module")
def record(tiny_run):
    return card_record(tiny_run)


def test_the_card_says_what_it_is_for_and_what_not(record):
    text = card_text(record)
    for words in (*INTENDED, *NOT_FOR):
        assert words in text
    for heading in (
        *("What went in", "Label rules", "Folds", "How good it is on land held out"),
        *("Calibration", "Where it can speak", "Known failures", "Gates", "Reviews"),
    ):
        assert f"## {heading}" in text
    assert "nobody has reviewed this run" in text
    assert "SIMULATED" in text


def test_the_record_holds_every_layer_with_licence_and_hash(record, tiny_run):
    layers = {row["name"]: row for row in record["data"]["layers"]}
    assert layers["elevation"]["licence"] == "public domain"
    assert len(layers["elevation"]["sha256"]) == 64
    assert layers["simulated_finds"]["sha256"] == "made by the run"
    json.dumps(record, allow_nan=False)


def test_gates_that_were_not_passed_are_known_failures(record, tiny_run):
    failed = [gate["words"] for gate in read_metrics(tiny_run)["gates"] if not gate["passed"]]
    told = [words for words in record["known_failures"] if words.startswith("gate not passed")]
    assert len(told) == len(failed)
    for words in failed:
        assert any(words in line for line in told)


def test_words_from_outside_stay_in_their_column(record):
    row = dict(record["data"]["layers"][0], source="a | b\n# <b>heading</b>")
    text = card_text(record | {"data": record["data"] | {"layers": [row]}})
    assert "a \\| b # &lt;b>heading&lt;/b>" in text


def test_an_untrained_run_has_no_card(tiny_copy):
    (tiny_copy / "metrics.json").unlink()
    with pytest.raises(InputError):
        card_record(tiny_copy)


def test_what_is_said_of_several_columns_is_said_once() -> None:
    lines = [f"{name} stays alike over {km} km, more than 17 km." for name, km in
             (("a_m", 280), ("b_m", 19.5), ("c", 30))]  # fmt: skip
    assert _gathered([*lines, "land_cover_shrub has one value everywhere"]) == [
        "a_m stays alike over 280 km, more than 17 km. The same of: b_m, c.",
        "land_cover_shrub has one value everywhere",
    ]
