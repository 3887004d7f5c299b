"""A package of one's own adds a feature, an estimator and a calibrator, as its template does."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from minerisk.features.additions import Addition, check_installed, load_added
from minerisk.features.errors import InputError
from minerisk.models.calibration.calibrators import calibrator_from_dict
from minerisk.models.estimators.stored_members import members_from_files
from minerisk.models.risk_model import RiskModel
from minerisk.pipelines.steps import run_steps

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "data" / "additions"
USE = """
import json, numpy as np, pandas as pd
import minerisk
from minerisk import datasets
from minerisk.configs.schema import Config
from minerisk.models.risk_model import RiskModel
from minerisk.pipelines.provenance.environment import code_sha256

area = datasets.tiny()
asked = {"kind": "added", "name": "relief", "raster": "elevation", "settings": {"radius_m": 1500}}
whole = minerisk.build_feature(area.layers, area.geobox, asked)["relief_1500m"]
part = minerisk.build_feature(area.layers, area.geobox[20:30, 20:30], asked)["relief_1500m"]
assert whole.values[20:30, 20:30].tobytes() == part.values.tobytes()
assert [whole.attrs[n] for n in ("family", "unit", "layer")] == ["relief", "m", "elevation"]
settings = area.config.model_dump(mode="json", exclude_unset=True)
Config.model_validate(settings | {"features": [*settings["features"], asked]})

rng = np.random.default_rng(0)
X = pd.DataFrame(rng.uniform(0, 40_000, (800, 2)), columns=["easting", "northing"])
X["line_m"] = abs(X["easting"] - 20_000)
y = rng.random(800) < 0.5 * np.exp(-X["line_m"] / 5_000)
model = minerisk.RiskClassifier("stumps", calibrator="prevalence").fit(X, y).model_
again = RiskModel.from_files(model.to_files())
assert again.calibrator.kind == "prevalence" and type(again.members).__name__ == "StumpMembers"
assert again.predict(X).probability.tobytes() == model.predict(X).probability.tobytes()
assert abs(model.predict(X).probability.mean() - y.mean()) < 0.05
print(code_sha256())
"""
CHOOSE = """
import sys
from pathlib import Path
import numpy as np, pandas as pd
from minerisk.configs.schema import Model
from minerisk.models.attribution import attribute_to_families
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.risk_model import RiskModel, members_made_by
from minerisk.models.selection.candidates import makers
from minerisk.models.table import CellTable
from minerisk.pipelines.train.spec import model_spec
import minerisk

rng = np.random.default_rng(1)
cells = pd.DataFrame(rng.uniform(0, 40_000, (900, 2)), columns=["easting", "northing"])
cells["x"] = rng.normal(size=900).astype(np.float32)
cells["noise"] = rng.normal(size=900).astype(np.float32)
state = (rng.random(900) < np.where(cells["x"] > 0.5, 0.8, 0.1)).astype(np.int8)
region = (cells["easting"] // 4_000).astype(np.int32).to_numpy()
table = CellTable(cells=cells, state=state, weight=np.ones(900, dtype=np.float32),
                  region=region, cell_ha=1.0)

def kinds(trials, **choice):
    model = Model.model_validate({
        "members": 2, "threads": 1, "findings": {"use": False}, "lightgbm": {"trees": 20},
        "choice": {"trials": trials, "trees": [20], "min_cells_in_leaf": [50], **choice}})
    make = makers(table.features, model_spec(model, as_of=None), families={},
                  block_m=5_000.0)[ModelName.MODEL]
    made = make(table).named_steps["classifier"]
    return type(made).__name__, {trial.settings["kind"] for trial in getattr(make, "trials", ())}

name, tried = kinds(3, kind=["boosted"], added=["stumps"])
assert tried == {"boosted", "stumps"}, tried
assert kinds(3, kind=[], added=["stumps"]) == ("StumpEnsemble", {"stumps"})
assert kinds(0, kind=[], added=["stumps"]) == ("StumpEnsemble", set())

model = minerisk.RiskClassifier("stumps", calibrator="prevalence").fit(cells, state).model_
files = model.to_files()
kind, added = members_made_by(files)
assert (kind, added.package, added.version) == ("stumps", "minerisk-template", "0.1.0")
names, values = attribute_to_families(
    model, model.columns(cells), {"x": ["x"], "noise": ["noise"]})
moved = dict(zip(names, np.abs(values).mean(axis=0)))
assert moved["x"] > 5 * moved["noise"], moved
for name, content in files.items():
    (Path(sys.argv[1]) / name).write_bytes(content)
"""


def run(code: str, path: Path | None = None, *words: Path) -> str:
    env = dict(os.environ) | ({} if path is None else {"PYTHONPATH": str(path)})
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        env=env,
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template, installed into a folder of its own as pip does."""
    place = tmp_path_factory.mktemp("template")
    shutil.copytree(TEMPLATE, place / "source")
    build = "import sys; from hatchling.build import build_wheel as b; print(b(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(place)],
        cwd=place / "source", check=True, capture_output=True, text=True,
    )  # fmt: skip
    wheel, target = place / done.stdout.splitlines()[-1], place / "installed"
    install = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    subprocess.run([sys.executable, "-m", *install, str(target), str(wheel)], check=True)
    return target


def test_the_template_is_installed_and_used(installed: Path) -> None:
    with_it = run(USE, installed)
    hash_of_code = (
        "from minerisk.pipelines.provenance.environment import code_sha256 as h; print(h())"
    )
    assert with_it != run(hash_of_code)
    assert with_it == run(hash_of_code, installed)


def test_a_configuration_chooses_the_estimator_of_the_template(
    installed: Path, tmp_path: Path
) -> None:
    run(CHOOSE, installed, tmp_path)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match=r"pip install 'minerisk-template==0\.1\.0'"):
        RiskModel.from_files(files)


def test_a_model_of_another_version_of_a_package_says_so(caplog: pytest.LogCaptureFixture) -> None:
    here = version("numpy")
    check_installed(Addition("minerisk.estimators", "stumps", "numpy", here))
    assert caplog.text == ""
    check_installed(Addition("minerisk.estimators", "stumps", "numpy", "0.0.1"))
    assert f"numpy 0.0.1; {here} is installed here" in caplog.text


def test_a_run_that_names_an_estimator_nobody_adds_ends_before_it_begins(tmp_path: Path) -> None:
    tiny = (ROOT / "configs" / "tiny.yaml").read_text(encoding="utf-8")
    (tmp_path / "area.yaml").write_text(
        tiny.replace("../data/tiny", str(ROOT / "data" / "tiny")).replace(
            "    kind: [boosted, both]", "    added: [stumps]"
        ),
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="'stumps' is asked for as one of"):
        run_steps(tmp_path / "area.yaml", tmp_path / "run")
    assert not (tmp_path / "run" / "cube.zarr").exists()


def test_what_no_package_adds_is_named() -> None:
    with pytest.raises(InputError, match="no installed package adds that name"):
        load_added("minerisk.features", "relief")
    with pytest.raises(InputError, match="beta, intercept"):
        calibrator_from_dict({"kind": "prevalence"})
    record = b'{"kind": "stumps", "slope": 1.0, "intercept": 0.0}'
    with pytest.raises(InputError, match="Install the package"):
        members_from_files({"members.json": record}, columns=2)
