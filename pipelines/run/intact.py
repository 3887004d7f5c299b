"""Whether what a command reads of a run is still as the run wrote it.

A chunk of Zarr has no checksum: one that lost a bit, or is not there, reads as other numbers or as
land without a value. So nothing is computed from files of a run before they are held against their
hashes: all outputs of a stage, or of a cube only the chunks that a window reads.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from minerisk.features.cube.store import open_cube
from minerisk.features.errors import FindingError
from minerisk.pipelines.provenance.files import files_below, read_listing, sha256_path, sha256_paths
from minerisk.pipelines.provenance.manifest import outputs_of
from minerisk.pipelines.run.folder import Run


def check_outputs(run: Run, stages: Sequence[str]) -> None:
    """Hold all outputs of stages against the manifest.

    Raises
    ------
    FindingError
        Naming the first that is not as it was written.
    """
    for name, digest in outputs_of(run.manifest(), *stages).items():
        path = run.files.output(name)
        if not path.exists() or sha256_path(path) != digest:
            raise _damaged(run, path)


def check_window(run: Run, rows: slice, columns: slice) -> None:
    """Hold what a prediction of a window reads against the manifest: chunks of the cube, the model.

    Parameters
    ----------
    rows, columns
        Of the cube.

    Raises
    ------
    FindingError
        Naming the first file that is not as it was written.
    """
    recorded = outputs_of(run.manifest(), "build", "train")
    for name in [name for name in recorded if name in {"model", "hazards"}]:
        if sha256_path(run.files.output(name)) != recorded[name]:
            raise _damaged(run, run.files.output(name))
    cube = run.files.cube
    listed = run.files.listing(cube.name)
    content = listed.read_bytes() if listed.is_file() else b""
    if hashlib.sha256(content).hexdigest() != recorded.get(cube.name):
        raise _damaged(run, listed)
    with open_cube(cube) as opened:
        down, across = opened["inside"].encoding["chunks"]
    block = (rows.start // down, -(-rows.stop // down), columns.start // across,
             -(-columns.stop // across))  # fmt: skip
    known = {name: digest for name, digest in read_listing(content).items() if _reads(name, block)}
    there = {path.relative_to(cube).as_posix(): path for path in files_below(cube)}
    for name in sorted(known.keys() ^ {name for name in there if _reads(name, block)}):
        raise _damaged(run, cube / name)  # gone, or put there
    for name, digest in zip(known, sha256_paths(there[name] for name in known), strict=True):
        if digest != known[name]:
            raise _damaged(run, there[name])


def _reads(name: str, block: tuple[int, int, int, int]) -> bool:
    """Tell whether a window reads a file of a cube: a chunk in a block, or no chunk of an image."""
    parts = name.split("/")
    if len(parts) != 4 or parts[1] != "c" or not (parts[2] + parts[3]).isdecimal():
        return True
    return block[0] <= int(parts[2]) < block[1] and block[2] <= int(parts[3]) < block[3]


def _damaged(run: Run, path: Path) -> FindingError:
    return FindingError(
        f"{path} is not as the run wrote it: damaged, or changed since. Nothing is computed from "
        f"it. `minerisk run CONFIG --out {run.folder}` makes it again; `minerisk audit verify "
        f"{run.folder}` names all that changed."
    )
