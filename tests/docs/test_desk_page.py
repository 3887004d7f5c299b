"""Every command of docs/desk.md, in order; and what it says of the system is there."""

import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

from minerisk.pipelines.service.accounts.people import account_named
from minerisk.pipelines.service.serving import open_desk
from minerisk.pipelines.service.settings import read_settings
from tests.faults.postgres import BINARIES, free_port, running_postgres

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "desk.md").read_text(encoding="utf-8")
Said = Callable[[str], tuple[int, str]]


@contextmanager
def going_on(line: str, port: int) -> Iterator[None]:
    """Start what does not end by itself; it ends when it is told to."""
    words = shlex.split(line)
    words[0] = str(Path(sys.executable).parent / "minerisk")
    words += ["--port", str(port)] if words[1] == "serve" else []
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            if words[1] == "serve":
                wait_for(port)
            yield
            assert process.poll() is None, line
        finally:
            process.terminate()
            process.wait(60)


def wait_for(port: int) -> None:
    for _ in range(900):
        try:
            urllib.request.urlopen(f"http://localhost:{port}/api/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail("The desk does not answer.")


def test_every_command_of_the_page_does_what_the_page_says(
    tiny_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    commands: Callable[[str], list[str]],
    said: Said,
) -> None:
    if not BINARIES:
        pytest.skip("postgresql is not installed (Debian: postgresql)")
    shutil.copytree(tiny_run, tmp_path / "runs" / "my_area")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "minerisk.pipelines.cli.desk_commands._password", lambda _: "heron 7 lantern"
    )
    lines = commands("desk.md")
    assert len(lines) >= 9
    with ExitStack() as stack:
        database = stack.enter_context(running_postgres()).url
        (tmp_path / "desk.yaml").write_text(f"home: moved\nruns: runs\ndatabase: {database}\n")
        for line in lines:
            if line.split()[1] in {"serve", "worker"}:
                stack.enter_context(going_on(line, free_port()))
                continue
            code, words = said(line)
            assert code == 0, f"{line}\n{words}"
        assert (tmp_path / "new_desk" / "desk.sqlite").is_file()
        moved = open_desk(read_settings(tmp_path / "desk.yaml"))
        with moved.store.read() as session:
            assert account_named(session, "staff 2") is not None
        moved.store.engine.dispose()


def test_settings_of_the_page_are_taken(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    whole = {key: value for block in blocks for key, value in yaml.safe_load(block).items()}
    (tmp_path / "desk.yaml").write_text(yaml.safe_dump(whole))
    assert read_settings(tmp_path / "desk.yaml").oidc is not None


def test_files_and_units_of_the_page_are_there() -> None:
    for name in re.findall(r"\bdeploy/[\w./]*\w", PAGE):
        assert (ROOT / name).exists(), name
    line = re.search(r"systemctl enable --now (.*)", PAGE)
    assert line is not None
    for unit in line[1].split():
        name = re.sub(r"@\d+$", "@", unit)
        name = name if "." in name else f"{name}.service"
        assert (ROOT / "deploy" / "systemd" / name).is_file(), unit
