"""Why a file could not be written, where a driver tells no more than that it could not."""

import os
import resource
import shutil
from pathlib import Path


def why_unwritable(path: Path) -> str:
    """Look for what keeps a file from being written: permissions, limits, room on the disk.

    Returns
    -------
    str
        Sentences: what was found, and what to do.
    """
    folder = next((place for place in path.absolute().parents if place.is_dir()), Path.cwd())
    if not os.access(folder, os.W_OK):
        return f"{folder} may not be written to: choose another place, or change its permissions."
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    room = shutil.disk_usage(folder).free
    if limit != resource.RLIM_INFINITY and limit < room:
        return (
            f"No file of this process may grow beyond {limit / 1e6:,.1f} MB: raise the limit "
            "(`ulimit -f` shows it)."
        )
    return (
        f"Its disk has room for {room / 1e6:,.1f} MB: make more if that is too little, or look at "
        "the quota of this account, and give the command again."
    )
