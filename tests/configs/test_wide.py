"""The wide study areas: as the ones they are named for, with every kind of feature."""

from pathlib import Path

import pytest

from minerisk.configs.checks import check_config
from minerisk.configs.load import load_config

HERE = Path(__file__).parents[2] / "configs"


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
