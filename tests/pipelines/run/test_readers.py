"""Tables of a run, which may have come from elsewhere, are read within limits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run import readers
from minerisk.pipelines.run.readers import held_out_cells, run_table

CELLS = pd.DataFrame({"easting": [0.0, 500.0], "northing": [0.0, 0.0], "state": [0, 1]})


def test_held_out_cells_are_read_with_the_columns_that_are_asked_for(tmp_path: Path) -> None:
    CELLS.assign(fold_far=[1, 2]).to_parquet(RunFolder(tmp_path).held_out)
    assert held_out_cells(tmp_path, ["fold_far"])["fold_far"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("table", "lacking"),
    [
        (CELLS, "fold_far"),
        (CELLS.assign(fold_far=["a", "b"]), "fold_far"),
        (CELLS.drop(columns="state").assign(fold_far=1), "state"),
    ],
)
def test_held_out_cells_without_numbers_are_refused(
    tmp_path: Path, table: pd.DataFrame, lacking: str
) -> None:
    table.to_parquet(RunFolder(tmp_path).held_out)
    with pytest.raises(InputError, match=f"has no numbers in {lacking}"):
        held_out_cells(tmp_path, ["fold_far"])


def test_a_table_of_too_many_columns_is_refused(tmp_path: Path) -> None:
    pd.DataFrame(np.zeros((1, 2_001))).rename(columns=str).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="2,001 columns"):
        run_table(tmp_path / "a.parquet")


def test_words_of_a_dictionary_that_would_fill_the_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "MOST_BYTES", 10_000_000)
    coded = pa.DictionaryArray.from_arrays(np.zeros(100_000, "i4"), ["w" * 10_000])
    pq.write_table(pa.table({"row": coded}), tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 100_000
    with pytest.raises(InputError, match="made to exhaust memory"):
        run_table(tmp_path / "a.parquet")


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(InputError, match="cannot be read"):
        run_table(tmp_path / "a.parquet")
