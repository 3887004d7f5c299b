"""What is set in processes that minerisk starts, and that importing it sets nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

from minerisk.pipelines.run.own_process import environment_of_ours, set_up_process

ROOT = Path(__file__).parents[3]
OURS = ("GDAL_SKIP", "GDAL_CACHEMAX", "OMP_WAIT_POLICY", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS")


def plain_environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if name not in OURS and "GDAL" not in name
    }


def run_plainly(program: str, *words: str) -> str:
    """Run a program in an environment in which nothing of ours is set; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        **{"capture_output": True, "text": True, "env": plain_environment(), "cwd": ROOT},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_gdal_itself_cannot_open_what_follows_references(tmp_path: Path) -> None:
    profile = {"driver": "GTiff", "width": 4, "height": 3, "count": 1, "dtype": "float32"}
    with rasterio.open(tmp_path / "secret.tif", "w", **profile) as dataset:
        dataset.write(np.ones((3, 4), dtype=np.float32), 1)
    (tmp_path / "a.tif").write_text(
        "<VRTDataset rasterXSize='4' rasterYSize='3'><VRTRasterBand dataType='Float32' band='1'>"
        f"<SimpleSource><SourceFilename>{tmp_path / 'secret.tif'}</SourceFilename></SimpleSource>"
        "</VRTRasterBand></VRTDataset>"
    )
    program = """
import sys
from minerisk.pipelines.run.own_process import set_up_process
set_up_process()
import rasterio, pyogrio
for read in (rasterio.open, pyogrio.read_info):
    try:
        read(sys.argv[1])
    except Exception as error:
        print(type(error).__name__)
print("OGR_VRT" in pyogrio.list_drivers())
"""
    told = run_plainly(program, str(tmp_path / "a.tif")).split()
    assert told == ["RasterioIOError", "DataSourceError", "False"]


STATE = """
import json, locale, logging, os, signal, sys, warnings
def state():
    loggers = {name: (logger.level, len(logger.handlers), logger.propagate)
               for name, logger in logging.root.manager.loggerDict.items()
               if isinstance(logger, logging.Logger)}
    return {
        "environment": dict(os.environ),
        "warnings": [str(item) for item in warnings.filters],
        "logging": [logging.root.level, len(logging.root.handlers), logging.root.disabled],
        "loggers": {name: found for name, found in loggers.items() if found != (0, 0, True)},
        "signals": [str(signal.getsignal(number)) for number in (2, 15)],
        "folder": os.getcwd(), "locale": locale.setlocale(locale.LC_ALL),
        "hooks": [str(sys.excepthook), str(sys.displayhook)],
    }
"""

IMPORT_ALL = """
import importlib, json, pkgutil, sys
import minerisk
own = "minerisk.pipelines.tracking.imports"  # for a process of ours, which it is to set up
names = [found.name for found in pkgutil.walk_packages(minerisk.__path__, "minerisk.")]
names.remove(own)
for name in names:
    importlib.import_module(name)
"""


def test_importing_every_module_changes_nothing_in_the_process(tmp_path: Path) -> None:
    # Other packages do change filters of warnings: those that minerisk imports come first.
    others = run_plainly(
        IMPORT_ALL + "print(json.dumps([name for name in sys.modules if 'minerisk' not in name]))"
    )
    (tmp_path / "others.json").write_text(others)
    first = """
import contextlib, importlib, json, sys
from pathlib import Path
for name in json.loads(Path(sys.argv[1]).read_text()):
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""
    compare = "print(json.dumps([before, state(), len(names)]))"
    program = first + STATE + "before = state()\n" + IMPORT_ALL + compare
    before, after, count = json.loads(run_plainly(program, str(tmp_path / "others.json")))
    assert count > 200
    assert before == after


def test_the_command_line_is_set_up_before_gdal_is_loaded() -> None:
    program = """
import os, sys
import minerisk.pipelines.cli.main as main
loaded = {"rasterio", "pyogrio", "sklearn", "numba"} & set(sys.modules)
print(*sorted(loaded), "GDAL_SKIP" in os.environ)

def told(*words, **more):
    print("OGR_VRT" in os.environ["GDAL_SKIP"], os.environ["OMP_WAIT_POLICY"])

main.app = told
main.main()
"""
    assert run_plainly(program).split() == ["False", "True", "PASSIVE"]


def test_what_the_user_has_set_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("GDAL_SKIP", "GML PDF"), ("GDAL_CACHEMAX", "64")):
        monkeypatch.setenv(name, value)
    set_up_process()
    skipped = os.environ["GDAL_SKIP"].split(",")
    assert skipped[:2] == ["GML", "PDF"]
    assert skipped.count("PDF") == 1
    assert os.environ["GDAL_CACHEMAX"] == "64"


def test_the_environment_is_put_back_after_a_process_was_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GDAL_SKIP", raising=False)
    monkeypatch.setenv("GDAL_CACHEMAX", "64")
    before = dict(os.environ)
    with environment_of_ours():
        assert "OGR_VRT" in os.environ["GDAL_SKIP"]
    assert dict(os.environ) == before


def test_workers_of_a_library_are_narrowed_and_the_library_is_not(tmp_path: Path) -> None:
    program = """
import os, sys
sys.path.insert(0, sys.argv[1])
from minerisk.pipelines.run.workers import Workers
from narrowed import drivers
if __name__ == "__main__":
    before = dict(os.environ)
    (found,) = set(Workers(2).run(drivers, range(2)))
    print(found, dict(os.environ) == before, drivers(0))
"""
    (tmp_path / "narrowed.py").write_text(
        "import pyogrio\n\n\ndef drivers(number):\n    return 'OGR_VRT' in pyogrio.list_drivers()\n"
    )
    (tmp_path / "main.py").write_text(program)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "main.py"), str(tmp_path)],
        **{"capture_output": True, "text": True, "env": plain_environment(), "cwd": ROOT},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "True", "True"]
