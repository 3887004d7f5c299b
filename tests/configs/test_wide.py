"""The wide study areas: as the ones they are named for, with every kind of feature."""

from pathlib import Path

import pytest

from minerisk.configs.checks import check_config
from minerisk.configs.load import load_config
from minerisk.features.kinds import FEATURE_KINDS

HERE = Path(__file__).parents[2] / "configs"
NOT_WEIGHED = {
    "no_mans_land": "two lines that face each other",
    "minefield_records": "records of minefields that are no labels",
    "population_change": "people in each settlement before and after",
    "change": "one raster of two times",
    "search_effort": "is not read by the model",
}
"""Kinds that neither wide study area can have, and what no open layer of its land gives."""


@pytest.mark.parametrize("name", ["bosnia", "karabakh"])
def test_a_wide_study_area_differs_in_its_name_and_in_more_features_only(name: str) -> None:
    plain, wide = (load_config(HERE / f"{part}.yaml") for part in (name, f"{name}_wide"))
    assert wide.study_area.name == f"{name}_wide"
    kept = {name: getattr(plain.study_area, name) for name in ("name", "title", "titles")}
    assert wide.study_area.model_copy(update=kept) == plain.study_area
    assert wide.features[: len(plain.features)] == plain.features
    assert len({feature.kind for feature in wide.features}) >= 19
    assert plain.layers.items() <= wide.layers.items()
    same = set(type(plain).model_fields) - {"study_area", "layers", "features"}
    assert {key: getattr(wide, key) for key in same} == {key: getattr(plain, key) for key in same}
    assert all(problem.level == "warning" for problem in check_config(wide))


def test_every_kind_is_weighed_by_an_ablation_or_the_page_says_why_not() -> None:
    weighed = {
        feature.kind
        for name in ("bosnia", "karabakh")
        for feature in load_config(HERE / f"{name}_wide.yaml").features
    }
    assert set(FEATURE_KINDS) - weighed == set(NOT_WEIGHED), (
        "a kind is missing in the wide study areas: add it to configs/*_wide.yaml and run "
        "`make ablation`"
    )
    page = " ".join((HERE.parent / "docs" / "features_intro.md").read_text("utf-8").split())
    for kind, words in NOT_WEIGHED.items():
        assert f"`{kind}` ({words})" in page
