from pathlib import Path
from typing import Any

import pytest

from configs.load import load_config
from pipelines.candidates import findings_encoder

TINY = Path(__file__).resolve().parents[2] / "configs" / "tiny.yaml"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("block_m", 7_000.0),
        ("neighbours", (2,)),
        ("radii_m", (900.0,)),
        ("cap_m", 8_000.0),
        ("hazards", ("ap",)),
        ("evidence", ("accident",)),
        ("half_life_years", 3.0),
        ("belts", True),
        ("belt_radius_m", 800.0),
        ("belt_link_m", 700.0),
    ],
)
def test_every_setting_reaches_the_encoder_of_findings(name: str, value: Any) -> None:
    tiny = load_config(TINY)
    findings = tiny.model.findings.model_copy(update={name: value})
    model = tiny.model.model_copy(update={"findings": findings})
    before, after = (
        findings_encoder(tiny),
        findings_encoder(tiny.model_copy(update={"model": model})),
    )
    assert before is not None
    assert after is not None
    assert before.get_params() | {name: value} == after.get_params()
