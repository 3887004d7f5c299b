"""Compare the locked dependencies with published advisories: `make audit-deps OSV=all.zip`.

The export of advisories is brought along, since nothing here calls the network: OSV publishes one
for PyPI as a ZIP of JSON files (https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip).
"""

import json
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

LOCKS = ("requirements.lock", "requirements-bench.lock")
MAX_ENTRY_BYTES = 16 * 1024**2
_PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Hit:
    """A locked version that an advisory names."""

    package: str
    version: str
    advisory: str
    aliases: tuple[str, ...]
    fixed: tuple[str, ...]
    summary: str

    @property
    def line(self) -> str:
        """One line for a person."""
        names = ", ".join((self.advisory, *self.aliases))
        remedy = f"fixed in {', '.join(self.fixed)}" if self.fixed else "no fixed version is known"
        return f"{self.package} {self.version}: {names}: {self.summary or 'no summary'} ({remedy})"


def pinned(text: str) -> set[tuple[str, str]]:
    """Return the packages and versions of a lock file."""
    return {(canonicalize_name(name), version) for name, version in _PINNED.findall(text)}


def advisories(path: Path) -> Iterator[dict[str, Any]]:
    """Read the advisories of an export that were not withdrawn."""
    with zipfile.ZipFile(path) as export:
        for entry in export.infolist():
            if not entry.filename.endswith(".json"):
                continue
            if entry.file_size > MAX_ENTRY_BYTES:
                raise ValueError(f"{entry.filename} is larger than any advisory")
            advisory = json.loads(export.read(entry))
            if not advisory.get("withdrawn"):
                yield advisory


def hits(locked: set[tuple[str, str]], advisory: dict[str, Any]) -> Iterator[Hit]:
    """Name the locked versions that an advisory affects."""
    for affected in advisory.get("affected", []):
        package = affected.get("package", {})
        if package.get("ecosystem") != "PyPI":
            continue
        name = canonicalize_name(package.get("name", ""))
        for known, version in sorted(locked):
            if known == name and is_affected(Version(version), affected):
                aliases, fixed = advisory.get("aliases", []), sorted(set(_fixed(affected)))
                told = str(advisory.get("summary", ""))
                yield Hit(name, version, advisory["id"], tuple(aliases), tuple(fixed), told)


def is_affected(version: Version, affected: dict[str, Any]) -> bool:
    """Return whether a version is listed, or lies in a range of versions."""
    listed = {_version(text) for text in affected.get("versions", [])}
    return version in listed or any(
        _in_range(version, item.get("events", []))
        for item in affected.get("ranges", [])
        if item.get("type") in ("ECOSYSTEM", "SEMVER")
    )


def _in_range(version: Version, events: list[dict[str, str]]) -> bool:
    """Follow the events of a range from the oldest to the newest up to a version."""
    steps = [(at, kind) for event in events for kind, text in event.items() if (at := _at(text))]
    within = False
    # Of what happens at one version, what begins a range counts last.
    for at, kind in sorted(steps, key=lambda step: (step[0], step[1] == "introduced")):
        if kind == "introduced" and version >= at:
            within = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            within = False
    return within


def _at(text: str) -> Version | None:
    return Version("0.dev0") if text == "0" else _version(text)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:  # of a release before PEP 440, which no lock holds
        return None


def _fixed(affected: dict[str, Any]) -> Iterator[str]:
    for item in affected.get("ranges", []):
        if item.get("type") in ("ECOSYSTEM", "SEMVER"):
            yield from (event["fixed"] for event in item.get("events", []) if "fixed" in event)


def main(words: list[str]) -> int:
    """Print every hit; return 1 if there is one, 2 if the export is none."""
    if len(words) != 1 or not zipfile.is_zipfile(words[0]):
        sys.stderr.write(
            "audit-deps: bring an export of advisories along, such as make audit-deps OSV=all.zip "
            "(a ZIP of JSON, as OSV publishes it for PyPI).\n"
        )
        return 2
    root = Path(__file__).resolve().parents[1]
    locked = set().union(*(pinned((root / lock).read_text(encoding="utf-8")) for lock in LOCKS))
    known = list(advisories(Path(words[0])))
    found = [hit for advisory in known for hit in hits(locked, advisory)]
    newest = max((str(advisory.get("modified", "")) for advisory in known), default="")
    sys.stdout.writelines(f"{hit.line}\n" for hit in found)
    sys.stdout.write(
        f"{len(locked)} locked versions, {len(known):,} advisories (the newest of "
        f"{newest[:10] or 'no day'}), {len(found)} that hit.\n"
    )
    if not known:
        return 2
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
