from typing import get_args

from minerisk.configs.bounds import EvidenceKind
from minerisk.pipelines.language.names import CHANGES, EVIDENCE
from minerisk.pipelines.records.evaluations import Change


def test_every_kind_of_evidence_and_every_change_has_a_name() -> None:
    assert set(EVIDENCE) == set(get_args(EvidenceKind))
    assert set(CHANGES) == set(Change)
