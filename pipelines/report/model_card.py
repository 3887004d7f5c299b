"""`MODEL_CARD.md`: what a model is for, how good it is, and where it fails."""

from dataclasses import dataclass
from typing import Self

from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.report.facts import Assessment
from minerisk.pipelines.report.model_record import ModelRecord, model_record
from minerisk.pipelines.report.pages import report_page
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY


@dataclass(frozen=True)
class ModelCard:
    """A model card, and the record it is written from.

    Attributes
    ----------
    record
        Facts of the model, as they are written into ``model_record.json``.
    found
        How good the model is.
    """

    record: ModelRecord
    found: Assessment

    @classmethod
    def of(cls, run: Run, *, hazard: str = ANY, mapped: bool = True) -> Self:
        """Gather the card of the model of a run, or of one of its hazard classes.

        Parameters
        ----------
        mapped
            As in `Assessment.of`.

        Raises
        ------
        InputError
            If the run is not trained.
        """
        home = run.files if hazard == ANY else run.files.hazard(hazard)
        found = Assessment.of(home, mapped=mapped)
        return cls(model_record(run, found, hazard=hazard), found)

    def text(self, texts: Texts = ENGLISH, *, public_m: float | None = None) -> str:
        """Write the card as Markdown that a survey manager can read.

        Parameters
        ----------
        public_m
            Metres of a cell of the public copy that it goes with; none goes with none.
        """
        return report_page(
            "model_card.md.j2", texts, record=self.record, found=self.found, public_m=public_m
        )
