"""CSV and Parquet: how wide and how deep they are, judged before they are read whole."""

from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.compute as pc
import pyarrow.parquet

from minerisk.features.errors import InputError
from minerisk.features.files.limits import MAX_COLUMNS, MAX_LINE_BYTES

_BLOCK = 4 * 1024**2


def check_columns(path: Path, count: int) -> None:
    """Refuse a layer or table with more columns than are taken."""
    if count > MAX_COLUMNS:
        raise InputError(
            f"{path.name} has {count:,} columns; at most {MAX_COLUMNS:,} are taken. Export the "
            "columns you need."
        )


def check_csv(path: Path) -> None:
    """Refuse a CSV file with a line that is too long or has too many columns.

    Raises
    ------
    InputError
        Before anything of it is parsed.
    """
    run, line = 0, 1
    with path.open("rb") as file:
        head = file.readline(MAX_LINE_BYTES)
        file.seek(0)
        while block := file.read(_BLOCK):
            block = block.replace(b"\r", b"\n")
            first = block.find(b"\n")
            run += len(block) if first < 0 else first
            if run > MAX_LINE_BYTES:
                raise InputError(
                    f"{path.name} has a line of more than {MAX_LINE_BYTES:,} bytes near line "
                    f"{line:,}; expected a row of a table in each line. Export it again."
                )
            if first >= 0:
                run = len(block) - block.rfind(b"\n") - 1
                line += block.count(b"\n")
    check_columns(path, 1 + max(head.count(sign) for sign in (b",", b";", b"\t", b"|")))


def read_parquet(path: Path, *, rows: int, size: int) -> pd.DataFrame:
    """Read a table of Parquet, all but its geometry.

    Parameters
    ----------
    rows, size
        The most rows, and bytes before compression.

    Raises
    ------
    InputError
        If it has more, or cannot be read.
    """
    check_size(path, size)
    try:
        file = check_parquet(path, rows=rows, size=size)
        flat = [name for name in file.schema_arrow.names if name != "geometry"]
        return file.read(columns=flat).to_pandas(ignore_metadata=True)
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        raise InputError(f"{path.name} cannot be read: {error}. Export it again.") from error


def check_size(path: Path, size: int) -> None:
    """Refuse a file of more bytes than are taken."""
    if path.stat().st_size > size:
        raise InputError(f"{path.name} is larger than {size:,} bytes. Cut it.")


def check_parquet(path: Path, *, rows: int, size: int) -> pyarrow.parquet.ParquetFile:
    """Open a Parquet file if what it declares is no more than is taken.

    Parameters
    ----------
    rows, size
        The most rows, and bytes before compression.

    Raises
    ------
    InputError
        If it declares more, or more columns than are taken.
    """
    file = pyarrow.parquet.ParquetFile(path)
    groups = [file.metadata.row_group(place) for place in range(file.num_row_groups)]
    check_columns(path, file.metadata.num_columns)
    if file.metadata.num_rows > rows:
        raise InputError(
            f"{path.name} holds {file.metadata.num_rows:,} features; at most {rows:,} are taken. "
            "Cut it to the study area."
        )
    declared = sum(group.total_byte_size for group in groups)
    if declared > size:
        raise InputError(f"{path.name} declares {declared:,} bytes, more than is taken.")
    _refuse_swelling(path, groups, size)
    return file


def _refuse_swelling(path: Path, groups: list[pyarrow.parquet.RowGroupMetaData], size: int) -> None:
    """Refuse words that are stored once in a dictionary and would be read a million times.

    What a file declares does not tell: the same words count once there. So places in the
    dictionary are read, four bytes each, and the words are counted with their lengths.
    """
    columns = [group.column(place) for group in groups for place in range(group.num_columns)]
    texts = [column for column in columns if column.physical_type == "BYTE_ARRAY"]
    if sum(text.num_values * text.total_uncompressed_size for text in texts) <= size:
        return
    names = sorted({text.path_in_schema for text in texts})
    coded = pyarrow.parquet.ParquetFile(path, read_dictionary=names)
    total = 0
    for number in range(coded.num_row_groups):
        for name in names:
            table = coded.read_row_group(number, columns=[name], use_threads=False)
            total += sum(
                _decoded_bytes(chunk) for column in table.columns for chunk in column.chunks
            )
            if total > size:
                raise InputError(
                    f"{path.name} holds {path.stat().st_size:,} bytes and would be more than "
                    f"{size:,} when read ({name}); it is made to exhaust memory. Export it again."
                )


def _decoded_bytes(values: pyarrow.Array) -> int:
    """Count the bytes of an array once each word of a dictionary stands in its place."""
    if pyarrow.types.is_list(values.type) or pyarrow.types.is_large_list(values.type):
        return _decoded_bytes(values.flatten())
    if pyarrow.types.is_struct(values.type):
        return sum(map(_decoded_bytes, values.flatten()))
    if not pyarrow.types.is_dictionary(values.type):
        return int(values.nbytes)
    lengths = pc.cast(pc.binary_length(values.dictionary), pyarrow.int64())
    return int(pc.sum(pc.take(lengths, values.indices)).as_py() or 0)
