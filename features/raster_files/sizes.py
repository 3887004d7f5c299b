"""How much the header of a raster may declare, so that a small file cannot fill the memory."""

from collections.abc import Iterable
from pathlib import Path

from minerisk.features.errors import InputError

MAX_RASTER_CELLS = 20_000_000_000
MAX_BLOCK_BYTES = 512 * 1024**2
MAX_DECLARED_RATIO = 2_000
RATIO_MATTERS_ABOVE = 256 * 1024**2


def check_declared_size(
    path: Path, files: Iterable[Path], *, cells: int, declared_bytes: int
) -> None:
    """Refuse a raster whose header declares more than is taken, or than its files can hold."""
    if cells > MAX_RASTER_CELLS:
        raise InputError(
            f"{path.name} declares {cells:,} cells; at most {MAX_RASTER_CELLS:,} are taken."
        )
    size = max(sum(file.stat().st_size for file in files), 1)
    swollen = declared_bytes > MAX_DECLARED_RATIO * size
    if swollen and declared_bytes > RATIO_MATTERS_ABOVE:
        raise InputError(
            f"{path.name} has {size:,} bytes and declares {declared_bytes:,}; it is damaged or "
            "made to exhaust memory. Get it again, or cut it to the study area."
        )


def check_block_size(path: Path, block_bytes: int) -> None:
    """Refuse a raster that is stored in blocks or chunks so large that one of them is too much."""
    if block_bytes > MAX_BLOCK_BYTES:
        raise InputError(
            f"{path.name} is stored in blocks of {block_bytes:,} bytes; at most "
            f"{MAX_BLOCK_BYTES:,} are taken. Store it in smaller ones, such as a COG."
        )
