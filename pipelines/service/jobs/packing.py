"""A pack as one file to download; the same folder gives the same bytes."""

import zipfile
from pathlib import Path

from minerisk.pipelines.provenance.files import files_below, replacing

LONG_AGO = (1980, 1, 1, 0, 0, 0)
PACKED = {".tif", ".gpkg", ".xlsx", ".png"}
"""Kinds that are compressed already."""


def zip_folder(folder: Path, out: Path) -> Path:
    """Write a folder, under its own name, into a ZIP file."""
    with replacing(out) as partial, zipfile.ZipFile(partial, "w") as archive:
        for path in sorted(files_below(folder)):
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            entry = zipfile.ZipInfo(name, LONG_AGO)
            packed = path.suffix in PACKED
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            with path.open("rb") as source, archive.open(entry, "w") as target:
                while block := source.read(1 << 20):
                    target.write(block)
    return out
