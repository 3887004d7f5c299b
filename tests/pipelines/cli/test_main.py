"""The command line as a user meets it: one clear line and an exit code, never a traceback.

Some commands are given to a process of their own; what is refused after that is refused here.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import done_here

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
TINY = CONFIGS / "tiny.yaml"
VERBS = (
    "run", "init", "validate", "build", "train", "evaluate", "predict", "prioritize", "report",
    "request", "feedback", "retrain", "audit", "review",
)  # fmt: skip


def minerisk(*words: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "minerisk", *map(str, words)],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("minerisk: ") == 1
    for word in words:
        assert word in done.stderr


def test_help_names_every_command(tmp_path: Path) -> None:
    done = minerisk("--help", cwd=tmp_path)
    assert done.returncode == 0
    for verb in VERBS:
        assert verb in done.stdout


def test_validate_says_what_it_found(tmp_path: Path) -> None:
    done = minerisk("validate", TINY, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "0 errors" in done.stdout
    assert not list(tmp_path.iterdir())


def test_a_typo_in_the_config_is_named(tmp_path: Path) -> None:
    config = tmp_path / "area.yaml"
    config.write_text(TINY.read_text(encoding="utf-8").replace("resolution_m", "resolutoin_m"))
    refused(done_here("run", config, "--out", "out", cwd=tmp_path), 2, "resolutoin_m")


def test_a_config_that_is_not_there(tmp_path: Path) -> None:
    refused(minerisk("run", "nothing.yaml", "--out", "out", cwd=tmp_path), 2, "nothing.yaml")
    assert not (tmp_path / "out").exists()


def changed(tmp_path: Path, *pairs: tuple[str, str]) -> Path:
    text = TINY.read_text(encoding="utf-8")
    text = text.replace("data_root: ../data/tiny", f"data_root: {tmp_path / 'data'}")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    config = tmp_path / "area.yaml"
    config.write_text(text, encoding="utf-8")
    return config


@pytest.fixture
def data(tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(CONFIGS.parent / "data" / "tiny", tmp_path / "data"))


def test_a_degree_crs_for_the_study_area_is_refused(tmp_path: Path, data: Path) -> None:
    config = changed(tmp_path, ("crs: EPSG:32638\n  res", "crs: EPSG:4326\n  res"))
    refused(done_here("run", config, "--out", "out", cwd=tmp_path), 2, "EPSG:4326", "metres")


def test_a_vrt_named_tif_is_refused(tmp_path: Path, data: Path) -> None:
    raster = next(data.glob("*dem*.tif"))
    raster.write_text('<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>')
    done = done_here("run", changed(tmp_path), "--out", "out", cwd=tmp_path)
    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr
    assert raster.name in done.stderr


def test_an_empty_layer_stops_the_run(tmp_path: Path, data: Path) -> None:
    table = data / "settlements.csv"
    table.write_text(table.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    done = done_here("run", changed(tmp_path), "--out", "out", cwd=tmp_path)
    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr
    assert "settlements" in done.stderr


def test_a_layer_elsewhere_stops_the_run(tmp_path: Path, data: Path) -> None:
    table = data / "settlements.csv"
    head, *rows = table.read_text(encoding="utf-8").splitlines()
    names = head.split(",")
    place = names.index("longitude")
    moved = []
    for row in rows:
        cells = row.split(",")
        cells[place] = str(float(cells[place]) - 40)
        moved.append(",".join(cells))
    table.write_text("\n".join([head, *moved]) + "\n", encoding="utf-8")
    done = done_here("run", changed(tmp_path), "--out", "out", cwd=tmp_path)
    assert done.returncode in {1, 2}
    assert "settlements" in done.stderr


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    refused(done_here("audit", "verify", tmp_path, cwd=tmp_path), 2, "manifest.json")
    refused(done_here("predict", tmp_path, cwd=tmp_path), 2, "manifest.json")
    refused(done_here("evaluate", "run", tmp_path, cwd=tmp_path), 2, "manifest.json")


def test_evaluate_prints_model_and_rules_side_by_side(tiny_run: Path, tmp_path: Path) -> None:
    done = done_here("evaluate", "run", tiny_run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("SIMULATED findings")
    for words in ("the model", "random forest", "distance rule", "optimistic reference"):
        assert words in done.stdout


def test_audit_exits_1_on_a_changed_byte(tiny_copy: Path, tmp_path: Path) -> None:
    assert done_here("audit", "verify", tiny_copy, cwd=tmp_path).returncode == 0
    (tiny_copy / "tasks.csv").write_text("task\n")
    done = minerisk("audit", "verify", tiny_copy, cwd=tmp_path)
    assert done.returncode == 1
    assert "tasks.csv" in done.stdout


def test_an_interrupt_is_one_line_and_130(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "minerisk", "run", TINY, "--out", "out"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        restore_signals=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith("Configuration"):
            break
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=120)[1]
    assert running.returncode == 130
    assert said.splitlines()[-1].startswith("minerisk: Stopped. Finished stages are kept")
    assert "Traceback" not in said


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:32718"])
def test_a_crs_that_is_not_made_for_the_land_is_refused(
    tmp_path: Path, data: Path, crs: str
) -> None:
    config = changed(tmp_path, ("crs: EPSG:32638\n  res", f"crs: {crs}\n  res"))
    refused(done_here("run", config, "--out", "out", cwd=tmp_path), 2, crs, "true size")


ENDS = """
import atexit, sys, threading, time
from minerisk.pipelines.cli import main as line

def work():
    time.sleep(0.3)
    print("worked", flush=True)

def command():
    atexit.register(lambda: print("ended"))
    if sys.argv[1] == "thread":
        threading.Thread(target=work).start()
    print("printed")
    sys.exit(3)

line.command = command
line.main()
"""


@pytest.mark.parametrize(
    ("kind", "said"), [("plain", ["printed", "ended"]), ("thread", ["printed", "worked", "ended"])]
)
def test_a_process_that_ends_at_once_has_printed_all_and_waited_for_threads(
    kind: str, said: list[str]
) -> None:
    done = subprocess.run([sys.executable, "-c", ENDS, kind], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split(), done.stderr) == (3, said, "")
