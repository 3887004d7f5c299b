"""Layers and tables are read in one place: by readers that run in a process with limits."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
READING = re.compile(
    r"\b(?:gpd|geopandas|pyogrio)\.(?:read_\w+|list_layers)|\bpd\.read_(?:csv|excel|json|pickle)|"
    r"\bfiona\b|\bpickle\.load\b|xr\.open_(?:dataset|zarr)"
)
READERS = {
    "features/layers/vectors.py": "run in a process with limits",
    "features/files/tables.py": "run in a process with limits",
    "features/vector_files/csv_points.py": "run in a process with limits",
    "features/vector_files/written_dates.py": "run in a process with limits",
    "features/cube/store.py": "after check_zarr",
    "pipelines/audit/differences.py": "after check_geopackage",
}


def test_only_the_readers_read() -> None:
    found = {
        str(path.relative_to(ROOT))
        for room in ("features", "models", "pipelines", "configs")
        for path in (ROOT / room).rglob("*.py")
        if READING.search(path.read_text(encoding="utf-8"))
    }
    assert found - set(READERS) == set()
