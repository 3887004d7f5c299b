"""Pack the plugin as QGIS takes it: ``python qgis_plugin/pack.py dist/minerisk_qgis.zip``."""

import sys
import zipfile
from pathlib import Path

PLUGIN = Path(__file__).with_name("minerisk_qgis")
LICENCE = Path(__file__).parent.parent / "LICENSE"
THEN = (1980, 1, 1, 0, 0, 0)
"""The day of every file, so that the same files make the same bytes."""


def pack(target: Path) -> None:
    """Write the plugin's folder, with the licence, as one ZIP file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    files = [path for path in sorted(PLUGIN.iterdir()) if path.is_file()]
    with zipfile.ZipFile(target, "w") as archive:
        for path in (*files, LICENCE):
            entry = zipfile.ZipInfo(f"{PLUGIN.name}/{path.name}", THEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())


if __name__ == "__main__":
    pack(Path(sys.argv[1]))
