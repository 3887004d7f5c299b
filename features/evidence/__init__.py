"""What was found and what was searched: labels, minefield records, search effort.

These are its kernels; its kinds of feature are built by `minerisk.features.cube.build_feature`.
"""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.features.evidence.codes import EVIDENCE
    from minerisk.features.evidence.labels import EvidenceLayer, label_cells
    from minerisk.features.evidence.search_effort import years_since
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "EVIDENCE",
    "EvidenceLayer",
    "label_cells",
    "years_since",
]
