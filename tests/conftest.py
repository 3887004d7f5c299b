"""One tiny finished run, made once, for every test that looks at a run."""

import shutil
from pathlib import Path

import pytest

from pipelines.run import run_steps

ROOT = Path(__file__).resolve().parent.parent
TINY = ROOT / "configs" / "tiny.yaml"


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    run_steps(TINY, folder)
    return folder


@pytest.fixture
def tiny_copy(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil. It lies as deep as the original, so that layers are found."""
    folder = tiny_run.parent / f"copy-of-{tmp_path.name}"
    shutil.copytree(tiny_run, folder)
    return folder
