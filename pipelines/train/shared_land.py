"""What layers that are taught on the same land share, whatever their labels weigh."""

from collections.abc import Callable

from minerisk.models.cautions import Caution
from minerisk.models.evaluation.feature_lint import place_columns
from minerisk.models.survey_bias.propensity import KnownChances
from minerisk.models.table import CellTable


class SharedLand:
    """Facts of the land of a table that say nothing of its labels: worked out once.

    Parameters
    ----------
    table
        Of the first layer. A layer that has its cells and regions shares its facts; of any other
        they are worked out anew.
    """

    def __init__(self, table: CellTable) -> None:
        self.chances = KnownChances()
        self._table = table
        self._place_columns: tuple[str, ...] | None = None
        self._cautions: dict[float, tuple[Caution, ...]] = {}

    def place_columns(self, table: CellTable) -> tuple[str, ...]:
        """Name the features that a region can be told by, as `feature_lint.place_columns`."""
        if not self._is_of(table):
            return place_columns(table)
        if self._place_columns is None:
            self._place_columns = place_columns(table)
        return self._place_columns

    def cautions(
        self, table: CellTable, block_m: float, find: Callable[[], tuple[Caution, ...]]
    ) -> tuple[Caution, ...]:
        """Return what `find` says of the features of a table for blocks of so many metres."""
        if not self._is_of(table):
            return find()
        if block_m not in self._cautions:
            self._cautions[block_m] = find()
        return self._cautions[block_m]

    def _is_of(self, table: CellTable) -> bool:
        return table.cells is self._table.cells and table.region is self._table.region
