"""Links in a run folder: whoever sends one could have it read or write elsewhere."""

import os
from pathlib import Path

from minerisk.features.errors import FindingError
from minerisk.features.files.plain_files import link_words


def links_below(folder: Path) -> list[str]:
    """Find the links in a folder, by name; none is followed, and the folder itself may be one."""
    found: list[str] = []
    waiting = [""]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(folder / place) as items:
                for item in items:
                    name = f"{place}{item.name}"
                    if item.is_symlink():
                        found.append(name)
                    elif item.is_dir(follow_symlinks=False):
                        waiting.append(f"{name}/")
        except (FileNotFoundError, NotADirectoryError):
            continue
    return sorted(found)


def refuse_links(folder: Path) -> None:
    """Stop before anything in a folder is opened where it holds a link.

    Raises
    ------
    FindingError
        If it does.
    """
    found = links_below(folder)
    if found:
        more = f" ({len(found)} links in all)" if len(found) > 1 else ""
        raise FindingError(f"{link_words(folder / found[0])}{more}")
