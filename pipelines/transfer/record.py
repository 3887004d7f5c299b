"""What a transfer of a model to another study area was made of, and what it gave, with types."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Self

from minerisk.models.elsewhere.feature_shift import FeatureShift
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import RankMeasures
from minerisk.pipelines.records.record import Document, Record
from minerisk.pipelines.records.review import State


class MatchedBy(StrEnum):
    """By what a layer of the new study area is taken for one of the run."""

    GIVEN = "given"
    BOUNDARY = "boundary"
    ROLE = "role"
    NAME = "name"


class LayerMatch(Record):
    """A layer of the run, and the layer of the new study area that is read in its place."""

    run: str
    there: str
    by: MatchedBy


class Had(StrEnum):
    """Whether a column of the model can be had on new land, and if not, why."""

    BUILT = "built"
    SILENT = "silent"
    NO_LAYER = "no_layer"
    UNIT = "unit"
    FINDINGS = "findings"

    @property
    def lacking(self) -> bool:
        """Whether it is averaged over; what is silent was taught as missing."""
        return self in {Had.NO_LAYER, Had.UNIT, Had.FINDINGS}


class ColumnThere(Record):
    """A column of the model on the new land.

    Attributes
    ----------
    name, kind, unit
        As in the run; of past findings kind and unit are blank.
    weight
        Share of the model's gain that it brought.
    had
        Whether it can be had there.
    shift
        How far its values differ; None where it cannot be had.
    """

    name: str
    kind: str
    unit: str
    weight: float
    had: Had
    shift: FeatureShift | None = None


class RanksOnly(StrEnum):
    """Why there are ranks and no probabilities."""

    NO_FINDS = "no_finds"
    FEW_FINDS = "few_finds"
    WIDE = "wide"
    OTHER_SLOPE = "other_slope"


class FindsThere(Record):
    """What finds on the new land say of the probabilities; see `InterceptThere`."""

    finds: int
    searched: int
    blocks: int
    intercept: Estimate | None
    slope: Estimate | None
    ranks_only: RanksOnly | None


class Ranked(Record):
    """How finds are ranked: ROC-AUC, average precision, share found in the first 20 % of land."""

    roc_auc: Estimate
    average_precision: Estimate
    found_in_top_20: Estimate

    @classmethod
    def of(cls, found: RankMeasures) -> Self:
        """Take them from all measures of a ranking."""
        return cls(
            roc_auc=found.roc_auc,
            average_precision=found.average_precision,
            found_in_top_20=found.found_in_top_20,
        )


class RanksThere(Record):
    """How finds on the new land are ranked by the model, and by the nearest line; 90 % intervals.

    Attributes
    ----------
    cells, positive
        Surveyed cells, those too of which the model cannot speak, and those with a find.
    block_m
        Side of the resampled blocks, metres.
    model, rule
        Of the model, and of the nearest known line.
    difference
        Model less rule, on the same resampled blocks.
    """

    cells: int
    positive: int
    block_m: float
    model: Ranked
    rule: Ranked
    difference: Ranked


class Transfer(Document):
    """A model of one study area applied to another.

    Attributes
    ----------
    run, run_head, run_state, model_sha256
        Study area, head of the trail, state and model of the run.
    study_area, title, config_sha256, layers
        Of the new study area: its name, its file, and its layers (name to SHA-256).
    code_sha256
        Of this program.
    simulated, simulated_there
        Whether findings of either are, and those of the new study area.
    matches, columns
        Layers and columns, as they were matched.
    cells, spoken
        Cells of the study area, and share of them that the model can speak for.
    finds
        What finds there say of probabilities.
    ranks
        How finds there are ranked; None where there are none.
    outputs
        Files beside this one, name to SHA-256.
    """

    version: ClassVar[int] = 1
    made_by: ClassVar[str] = "minerisk transfer"

    run: str
    run_head: str
    run_state: State
    model_sha256: str
    study_area: str
    title: str
    config_sha256: str
    layers: Mapping[str, str]
    code_sha256: str
    simulated: bool
    simulated_there: bool
    matches: tuple[LayerMatch, ...]
    columns: tuple[ColumnThere, ...]
    cells: int
    spoken: float
    finds: FindsThere
    ranks: RanksThere | None
    outputs: Mapping[str, str]

    @property
    def lacking(self) -> list[ColumnThere]:
        """Columns that cannot be had and are averaged over."""
        return [column for column in self.columns if column.had.lacking]
