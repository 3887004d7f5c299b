"""What starts fast and can be forked: no more is imported than is used, and nothing is begun."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRAINING = {"lightgbm", "matplotlib", "mlflow", "optuna", "sklearn", "distributed"}
"""Packages that take long to import and that no tile needs."""

FORKS = {"jemalloc_bg_thd", "proj.db"}
"""What may be there at a fork: jemalloc and PROJ set themselves right in the new process."""

STATE = """
import json, os, sys, threading
from pathlib import Path
own = Path("/proc/self")
def comm(task):
    try:
        return (task / "comm").read_text().strip()
    except OSError:  # it has ended meanwhile
        return ""
links = [item.resolve() for item in (own / "fd").glob("*")]
print(json.dumps({
    "packages": sorted({name.partition(".")[0] for name, kept in sys.modules.items() if kept}),
    "modules": sorted(name for name, kept in sys.modules.items() if kept),
    "threads": [thread.name for thread in threading.enumerate()],
    "native": [name for item in (own / "task").glob("*") if (name := comm(item))],
    "open": [item.name for item in links if item.is_file()],
}))
"""


def state_after(code: str, *words: str) -> dict:
    # Threads of the linear algebra library stop and start by themselves at a fork.
    calm = {"OPENBLAS_NUM_THREADS": "1", "NUMEXPR_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code + STATE, *words],
        capture_output=True, text=True, env={**os.environ, **calm},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "module",
    [
        "minerisk.features.cube.build",
        "minerisk.pipelines.predict.tiles",
        "minerisk.pipelines.predict.predict",
    ],
)
def test_what_a_worker_imports_leaves_training_out(module: str) -> None:
    assert not TRAINING & set(state_after(f"import {module}")["packages"])


def test_the_server_of_the_desk_leaves_training_out() -> None:
    """It has at most half a gigabyte, and makes no model."""
    found = state_after("import minerisk.pipelines.service.serving")
    assert not (TRAINING | {"joblib", "rich"}) & set(found["packages"])
    assert "scipy.stats" not in found["modules"]


UNUSED = {"dask", "rich", "cryptography", "scipy.special", "scipy.spatial", "scipy.stats"}
"""What a request of maps has no use for, though much of minerisk has."""


def test_the_command_of_a_request_leaves_training_out() -> None:
    found = state_after(
        "import minerisk.pipelines.request.answer, minerisk.pipelines.cli.main\n"
        "import minerisk.models.risk_model, minerisk.models.estimators.past_findings"
    )
    assert not TRAINING & set(found["packages"])
    assert not (UNUSED - {"dask"}) & set(found["modules"])


UNKNOWN = [["--near", "no_such_layer", "--within", "500"], ["--near", "roads"], ["--hazard", "at"]]
REFUSED = """
import json, sys
from minerisk.features.errors import InputError
from minerisk.pipelines.cli.main import app
for words in json.loads(sys.argv[2]):
    try:
        app(["maps", sys.argv[1], *words], standalone_mode=False)
    except InputError:
        continue
    raise AssertionError(words)
"""


def test_what_cannot_be_answered_is_refused_before_what_predicts_is_imported(
    tiny_run: Path,
) -> None:
    words = [*UNKNOWN, ["--aoi", "no_such_file.gpkg"], ["--as-of", "2999-01-01"]]
    found = state_after(REFUSED, str(tiny_run), json.dumps(words))
    assert not {*TRAINING, *UNUSED, "numba"} & set(found["modules"])


def test_a_name_that_no_run_knows_is_refused_before_any_table_is_read(tiny_run: Path) -> None:
    found = state_after(REFUSED, str(tiny_run), json.dumps(UNKNOWN))
    assert not {"numpy", "pandas", "geopandas", "xarray", "matplotlib"} & set(found["packages"])


def test_tiles_are_predicted_without_what_trained_the_model(tiny_run: Path, tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from minerisk.pipelines.predict import predict
from minerisk.pipelines.predict.tiles import begin_store, predict_tiles
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.workers import ALONE
from minerisk.features.cube.store import open_cube
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.records.review import State
run, folder = map(Path, sys.argv[1:])
window = predict.whole_window(open_cube(run / "cube.zarr"))
marks = Marks(State.DRAFT, True)
store = predict._tile_store(predict.Target(Run.open(run), window, folder, None, marks))
begin_store(store, window.asked, predict.ALL_BANDS)
predict_tiles(store, load=predict.load_model, workers=ALONE, progress=lambda *_: None)
assert (store.path / "tiles" / "0_0").exists()
"""
    assert not TRAINING & set(state_after(code, str(tiny_run), str(tmp_path))["packages"])


def test_a_preview_is_the_same_drawn_in_a_process_apart(tiny_run: Path, tmp_path: Path) -> None:
    code = """
import os, sys
os.cpu_count = lambda: int(sys.argv[-1])
from minerisk.pipelines.cli.main import app
asked = {"--aoi": sys.argv[2], "--out": sys.argv[3], "--layer": "study_area"}
words = [word for pair in asked.items() for word in pair]
app(["maps", sys.argv[1], *words], standalone_mode=False)
"""
    drawn = {}
    area = ROOT / "data" / "tiny" / "base.gpkg"
    for cores, here in (("1", True), ("2", False)):
        folder = tmp_path / cores
        state = state_after(code, str(tiny_run), str(area), str(folder), cores)
        assert ("matplotlib" in state["packages"]) == here
        drawn[cores] = (folder / "preview.png").read_bytes()
    assert drawn["1"] == drawn["2"]


@pytest.mark.parametrize(
    "module",
    [
        "minerisk.features.cube.build",
        "minerisk.pipelines.predict.predict",
        "minerisk.pipelines.cli.main",
        "minerisk.pipelines.plotting.map_figure",
    ],
)
def test_what_is_imported_before_a_fork_starts_no_thread_and_opens_no_data(module: str) -> None:
    state = state_after(f"import {module}")
    assert state["threads"] == ["MainThread"]
    assert len(state["native"]) - 1 == state["native"].count("jemalloc_bg_thd")
    assert set(state["open"]) <= FORKS


def test_what_draws_and_records_a_run_can_be_forked_from_a_process_that_imported_it() -> None:
    state = state_after(
        "import importlib\n"
        "from minerisk.pipelines.steps import LATE\n"
        "for name in LATE:\n    importlib.import_module(name)"
    )
    assert {"matplotlib", "mlflow"} <= set(state["packages"])
    assert state["threads"] == ["MainThread"]
    assert set(state["native"][1:]) | set(state["open"]) <= FORKS


def test_a_report_is_put_together_without_what_draws() -> None:
    packages = state_after("import minerisk.pipelines.report.report, minerisk.pipelines.steps")
    assert not {"matplotlib", "mlflow"} & set(packages["packages"])


def test_training_is_imported_without_what_draws_and_records() -> None:
    packages = state_after("import minerisk.pipelines.train.train, minerisk.pipelines.steps")
    assert not {"matplotlib", "mlflow"} & set(packages["packages"])
