"""What an audit reads of a run: each file once, its hash, and the bytes of those it looks into."""

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath

from minerisk.features.files.plain_files import read_plain
from minerisk.pipelines.provenance.files import THREADS, files_below, listing_of, sha256_path
from minerisk.pipelines.provenance.links import links_below
from minerisk.pipelines.provenance.run_folder import RunFolder


@dataclass(frozen=True)
class Snapshot:
    """The files of a run as one pass over them found them.

    Attributes
    ----------
    digests
        Name of each file, relative to the run folder, to its SHA-256.
    contents
        Bytes of the configuration, the metrics and the files of the model.
    folders
        Names of those outputs that are folders.
    """

    files: RunFolder
    digests: Mapping[str, str]
    contents: Mapping[str, bytes]
    folders: frozenset[str]

    def listing(self, name: str) -> bytes:
        """List an output that is a folder, as `minerisk.pipelines.provenance.files.listing`."""
        within = {
            file.removeprefix(f"{name}/"): digest
            for file, digest in self.digests.items()
            if file.startswith(f"{name}/")
        }
        return listing_of(within)

    def model(self) -> dict[str, bytes]:
        """Return the files of the model by name."""
        home = f"{self.files.name_of(self.files.model)}/"
        return {
            name.removeprefix(home): content
            for name, content in self.contents.items()
            if name.startswith(home) and "/" not in name.removeprefix(home)
        }


def take_snapshot(files: RunFolder, outputs: Iterable[str]) -> Snapshot:
    """Hash outputs, and what an audit looks into besides.

    A name outside the folder, or one that leads over a link, is left out.
    """
    looked_into = [files.name_of(path) for path in (files.config, files.metrics, files.model)]
    known = [name for name in dict.fromkeys([*outputs, *looked_into]) if is_inside(name)]
    linked = links_below(files.path)
    known = [name for name in known if not _through(name, linked)]
    folders = frozenset(name for name in known if files.output(name).is_dir())
    paths = [files.output(name) for name in known if name not in folders]
    paths += [path for name in folders for path in files_below(files.output(name))]
    found = {files.name_of(path): path for path in paths if path.is_file()}
    kept = [name for name in found if name.split("/")[0] in looked_into]
    contents = {name: read_plain(found[name]) for name in kept}
    rest = [name for name in found if name not in contents]
    with ThreadPoolExecutor(THREADS) as pool:
        digests = dict(zip(rest, pool.map(sha256_path, (found[n] for n in rest)), strict=True))
    digests |= {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return Snapshot(files, digests, contents, folders)


def _through(name: str, linked: Iterable[str]) -> bool:
    """Tell whether a name is a link, or lies below one."""
    return any(name == link or name.startswith(f"{link}/") for link in linked)


def is_inside(name: str) -> bool:
    """Check that a name of the manifest leads to a place in the run folder; no link is asked."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and "\0" not in name
