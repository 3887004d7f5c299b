"""The settings of a kind of feature, and all else there is to know of it, agree."""

import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

from minerisk.configs.bounds import layer_settings
from minerisk.configs.schema import Feature
from minerisk.features.added_kind import ADDED
from minerisk.features.kinds import FEATURE_KINDS
from minerisk.pipelines.evaluate.ablation import BASE, BEYOND_COVER, FINDINGS

SETTINGS = {model.model_fields["kind"].default: model for model in get_args(get_args(Feature)[0])}
DOI = re.compile(r"10\.\d{4,9}/\S+")


def test_every_kind_has_settings_and_all_settings_are_of_a_kind() -> None:
    assert set(SETTINGS) - {ADDED} == set(FEATURE_KINDS)


@pytest.mark.parametrize("name", FEATURE_KINDS)
def test_a_kind_and_its_settings_agree(name: str) -> None:
    kind, settings = FEATURE_KINDS[name], SETTINGS[name]
    parameters = inspect.signature(kind.build).parameters.values()
    by_name = {item.name for item in parameters if item.kind is item.KEYWORD_ONLY}
    assert by_name == set(settings.model_fields) - {"kind"}
    assert {key: reads.kind for key, reads in layer_settings(settings).items()} == dict(kind.reads)


@pytest.mark.parametrize("name", FEATURE_KINDS)
def test_elevation_is_read_in_the_unit_that_its_setting_names(name: str) -> None:
    in_metres = {r.unit for r in layer_settings(SETTINGS[name]).values() if r.unit is not None}
    text = inspect.getsource(inspect.unwrap(FEATURE_KINDS[name].build))
    assert {"m"} & in_metres == ({"m"} if 'unit="m"' in text else set())


@pytest.mark.parametrize("name", FEATURE_KINDS)
def test_references_are_dois_and_words_are_part_of_a_sentence(name: str) -> None:
    kind = FEATURE_KINDS[name]
    assert all(DOI.fullmatch(doi) for doi in kind.references)
    assert len(set(kind.references)) == len(kind.references)
    assert kind.words[0].islower()
    assert not kind.words.endswith(".")


def test_every_doi_of_a_module_is_among_the_references_of_a_kind() -> None:
    known = {doi for kind in FEATURE_KINDS.values() for doi in kind.references}
    for kind in FEATURE_KINDS.values():
        text = Path(inspect.getfile(inspect.unwrap(kind.build))).read_text(encoding="utf-8")
        found = re.findall(r"doi:(10[.][0-9]+/[^ ,;\n]+)", text)
        assert {doi.rstrip(".") for doi in found if doi.count("(") == doi.count(")")} <= known


def test_the_base_of_an_ablation_is_what_a_first_configuration_holds() -> None:
    first = {name for name, kind in FEATURE_KINDS.items() if kind.first}
    assert set(BASE) == first | {FINDINGS, BEYOND_COVER}
