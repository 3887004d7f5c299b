"""Every command of docs/operate, in the order of its pages, as a shell does them."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.faults.postgres import BINARIES, MISSING, USER, free_port, running_postgres

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("install", "backup", "restore", "upgrade", "postgresql", "workers", "uninstall")
NEEDS = ("bash", "curl", "openssl", "tar")
PORTS = ("8765", "8766", "8767", "8786")
AFTER = """
sleep 10
for job in $(jobs -p); do kill -0 "$job" || { echo "a program ended: $job"; exit 9; }; done
"""


def script(page: str) -> str:
    blocks = re.findall(
        r"```sh\n(.*?)```", (ROOT / f"docs/operate/{page}.md").read_text(), re.DOTALL
    )
    assert blocks, page
    return "".join(blocks)


def for_root(page: str) -> list[str]:
    """List the commands of a page that take an account of the system, or its services."""
    text = (ROOT / f"docs/operate/{page}.md").read_text()
    lines = re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    return [part.strip() for line in lines for part in line.split("&&")]


def do(lines: str, folder: Path) -> str:
    """Do the commands of a page; what it started goes on until then, and ends with it."""
    lines += AFTER if "&\n" in lines else ""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                   "root": str(folder / "root")}  # fmt: skip
    shell = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", lines], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        shell.wait(400)
    finally:
        with suppress(ProcessLookupError):  # where a page starts nothing that goes on
            os.killpg(shell.pid, signal.SIGTERM)
        found = shell.communicate(timeout=60)[0]
    assert shell.returncode == 0, found[-3_000:]
    return found


def test_every_command_of_operating_a_desk_is_run(tmp_path: Path) -> None:
    lacking = [name for name in NEEDS if shutil.which(name) is None]
    if lacking or not BINARIES:
        pytest.skip(f"not installed: {', '.join(lacking) or 'postgresql'}")
    (tmp_path / "runs").mkdir()
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    (tmp_path / "first.txt").write_text("staple 7 heron lantern\n")
    (tmp_path / "metrics.secret").write_text("a word of forty letters that monitors send\n")
    free = {port: str(free_port()) for port in PORTS}

    def with_ports(lines: str) -> str:
        return re.sub("|".join(PORTS), lambda found: free[found[0]], lines)

    plain = "port: 8765\nhome: desk\nruns: runs\nworkers: 0\nmetrics_secret_file: metrics.secret\n"
    (tmp_path / "desk.yaml").write_text(with_ports(plain))
    with running_postgres() as database:
        moved = f"home: moved\nruns: runs\nworkers: 0\nport: 8767\ndatabase: {database.url}\n"
        (tmp_path / "postgresql.yaml").write_text(with_ports(moved))
        cluster = "scheduler: {address: tls://127.0.0.1:8786, tls: tls}\n"
        (tmp_path / "cluster.yaml").write_text(with_ports(moved + cluster))
        said = {page: do(with_ports(script(page)), tmp_path) for page in PAGES}
        engine = create_engine(database.url)
        with engine.connect() as connection:
            names = connection.execute(text("SELECT name FROM accounts")).scalars().all()
        engine.dispose()
    assert names == ["staff 1"]
    assert 'minerisk_jobs{state="waiting"} 0' in said["install"]
    assert not list(tmp_path.rglob("*.log"))  # what is logged goes to standard error alone
    assert "Traceback" not in "".join(said.values())
    # Uninstalling takes away what installing brought, or its commands would have failed.
    assert [path for path in (tmp_path / "root").rglob("*") if path.is_file()] == []
    assert (tmp_path / "last.tar.gz").is_file()
    assert (tmp_path / "new_desk" / "desk.sqlite").is_file()


def test_units_that_the_pages_name_are_there() -> None:
    for page in PAGES:
        for name in re.findall(
            r"minerisk-[\w@]+(?:\.\w+)?", (ROOT / f"docs/operate/{page}.md").read_text()
        ):
            unit = re.sub(r"@\d*$", "@", name)
            unit = unit if "." in unit else f"{unit}.service"
            if unit != "minerisk-ca.service":
                assert (ROOT / "deploy/systemd" / unit).is_file(), name


NOT_RUN = (
    "/opt/minerisk/bin/pip install",  # needs a network
    "adduser ", "deluser ", "chgrp ",  # change the accounts of the machine
    "systemctl reload ", "systemctl daemon-reload", "systemctl start ", "systemctl stop ",
    "rm -r /var/lib/minerisk",
)  # fmt: skip
"""Commands that only a machine with a running systemd, or one to be thrown away, can take."""


def test_every_other_command_is_run_by_a_test_below_or_named_as_one_that_cannot_be() -> None:
    run = ("systemctl enable ", "systemctl disable ", "sudo -u postgres ")
    asked = [line for page in PAGES for line in for_root(page)]
    assert len(asked) > 10
    assert [line for line in asked if not line.startswith((*NOT_RUN, *run))] == []


@pytest.mark.skipif(shutil.which("systemctl") is None, reason="not installed: systemd")
def test_units_are_enabled_and_all_of_them_disabled_again(tmp_path: Path) -> None:
    units = tmp_path / "etc" / "systemd" / "system"
    shutil.copytree(ROOT / "deploy" / "systemd", units)

    def said(verb: str, page: str) -> None:
        (line,) = [one for one in for_root(page) if one.startswith(f"systemctl {verb} ")]
        words = [word for word in shlex.split(line)[2:] if word != "--now"]
        done = subprocess.run(["systemctl", f"--root={tmp_path}", verb, *words],
                              capture_output=True, text=True)  # fmt: skip
        assert (done.returncode, "not supported" in done.stderr) == (0, False), done.stderr

    said("enable", "install")
    assert len([path for path in units.rglob("*") if path.is_symlink()]) == 3
    said("disable", "uninstall")
    assert [path for path in units.rglob("*") if path.is_symlink()] == []


@pytest.mark.skipif(not BINARIES, reason=MISSING)
def test_a_database_is_made_and_dropped_as_the_pages_say() -> None:
    with running_postgres() as database:
        place = {"PGHOST": "127.0.0.1", "PGPORT": str(database.port), "PGUSER": USER}
        for page in ("postgresql", "uninstall"):
            for line in for_root(page):
                if line.startswith("sudo -u postgres "):
                    name, *words = line.removeprefix("sudo -u postgres ").split()
                    subprocess.run([str(BINARIES[-1] / name), *words],
                                   env={**os.environ, **place}, check=True)  # fmt: skip
