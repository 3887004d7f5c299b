"""Advisories that name a locked version are found, and no others; made up, without a network."""

import json
import zipfile
from pathlib import Path

import pytest
from packaging.version import Version

from tests import audit_dependencies as audit

ROOT = Path(__file__).parents[1]


def export(folder: Path, *advisories: dict[str, object]) -> Path:
    path = folder / "all.zip"
    with zipfile.ZipFile(path, "w") as held:
        held.writestr("README.txt", "no advisory")
        for advisory in advisories:
            held.writestr(f"{advisory['id']}.json", json.dumps(advisory))
    return path


def advisory(name: str, *events: dict[str, str], **more: object) -> dict[str, object]:
    affected = {
        "package": {"ecosystem": "PyPI", "name": name},
        "ranges": [
            {"type": "GIT", "events": [{"introduced": "0"}]},
            {"type": "ECOSYSTEM", "events": list(events)},
        ],
    }
    told = {"id": "PYSEC-1", "summary": "made up", "modified": "2026-01-02T03:04:05Z"}
    return {**told, "aliases": ["CVE-1"], "affected": [affected], **more}


def locked_version(name: str) -> str:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return next(version for known, version in audit.pinned(text) if known == name)


def test_a_hit_is_printed_with_its_remedy_and_ends_with_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = export(tmp_path, advisory("PyOgrio", {"introduced": "0"}, {"fixed": "999"}))
    assert audit.main([str(path)]) == 1
    told = capsys.readouterr().out
    assert f"pyogrio {locked_version('pyogrio')}: PYSEC-1, CVE-1: made up (fixed in 999)" in told
    assert "1 advisories (the newest of 2026-01-02), 1 that hit" in told


def test_what_does_not_apply_is_no_hit(tmp_path: Path) -> None:
    whole = {"introduced": "0"}
    path = export(
        tmp_path,
        advisory("numpy", whole, {"fixed": "0.1"}, id="OLD"),
        advisory("numpy", {"introduced": "999"}, id="NEW"),
        advisory("no-such-package", whole, id="OTHER"),
        advisory("numpy", whole, id="BACK", withdrawn="2026-01-01T00:00:00Z"),
        {"id": "NPM", "affected": [{"package": {"ecosystem": "npm", "name": "numpy"}}]},
    )
    assert audit.main([str(path)]) == 0


def test_an_export_without_advisories_and_none_at_all_are_no_good_news(tmp_path: Path) -> None:
    assert audit.main([str(export(tmp_path))]) == 2
    assert audit.main([str(ROOT / "pyproject.toml")]) == 2
    assert audit.main([]) == 2


@pytest.mark.parametrize(
    ("version", "within"),
    [("0.9", False), ("1.0", True), ("1.4.9", True), ("1.5", False), ("2.0", True), ("2.1", True)]
    + [("2.1.1", False), ("1.5rc1", True), ("3", False), ("7.1", True)],
)
def test_ranges_begin_where_introduced_and_end_where_fixed_or_last(
    version: str, within: bool
) -> None:
    events = [{"introduced": "2.0"}, {"last_affected": "2.1"}]
    events += [{"introduced": "1.0"}, {"fixed": "1.5"}]
    affected = {"versions": ["7.1"], "ranges": [{"type": "ECOSYSTEM", "events": events}]}
    assert audit.is_affected(Version(version), affected) == within


def test_every_line_of_the_locks_is_understood() -> None:
    for lock in audit.LOCKS:
        text = (ROOT / lock).read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if "==" in line and not line.startswith(" ")]
        assert len(audit.pinned(text)) == len(set(lines)) > 0
