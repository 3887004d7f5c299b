"""A plugin of pytest that takes one protection out: ``MINERISK_TAKEN_OUT=3.4.1 pytest -p …``.

Sources, templates and files are read with some words of them replaced; nothing is written. It must
be loaded before minerisk is, so it imports nothing of it.
"""

import importlib.machinery
import os
from pathlib import Path

from tests.pipelines.service.asvs.mutations import MUTATIONS

ROOT = Path(__file__).resolve().parents[4]


def take_out(number: str) -> None:
    """Have a file read without what protects it."""
    path, old, new = MUTATIONS[number]
    place = (ROOT / path).resolve()
    if old not in place.read_text(encoding="utf-8"):
        raise SystemExit(f"{path} does not have the words that {number} takes out")
    _in_sources(place, old, new)
    _in_files(place, old, new)
    if path.endswith(".j2"):
        _in_templates(place, old, new)


def _in_sources(place: Path, old: str, new: str) -> None:
    loader = importlib.machinery.SourceFileLoader
    content, stats = loader.get_data, loader.path_stats

    def is_it(path: str) -> bool:
        return path.endswith(place.name) and Path(path).resolve() == place

    def get_data(self, path):
        found = content(self, path)
        return found.replace(old.encode(), new.encode()) if is_it(path) else found

    def path_stats(self, path):
        if is_it(path):
            raise OSError  # so that what was compiled before is not taken
        return stats(self, path)

    loader.get_data, loader.path_stats = get_data, path_stats


def _in_files(place: Path, old: str, new: str) -> None:
    read = Path.read_text

    def read_text(self, *args, **kwargs):
        found = read(self, *args, **kwargs)
        known = self.name == place.name and self.resolve() == place
        return found.replace(old, new) if known else found

    Path.read_text = read_text


def _in_templates(place: Path, old: str, new: str) -> None:
    import jinja2

    source = jinja2.FileSystemLoader.get_source

    def get_source(self, environment, template):
        text, name, current = source(self, environment, template)
        known = name is not None and Path(name).resolve() == place
        return (text.replace(old, new) if known else text), name, current

    jinja2.FileSystemLoader.get_source = get_source


if os.environ.get("MINERISK_TAKEN_OUT"):
    take_out(os.environ["MINERISK_TAKEN_OUT"])
