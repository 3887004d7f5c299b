"""The trail of a run: each stage done once, recorded, and chained to the entry before it."""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from minerisk.features.errors import FindingError, InputError
from minerisk.pipelines.provenance.environment import code_sha256, environment
from minerisk.pipelines.provenance.files import (
    FILE,
    FOLDER,
    canonical,
    listing,
    remove_half_written,
    sha256_path,
    sha256_text,
    write_whole,
)
from minerisk.pipelines.provenance.links import refuse_links
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.provenance.signatures import fingerprint, public_text, sign
from minerisk.pipelines.records.manifest import Environment, Manifest, Signature, Stage
from minerisk.pipelines.records.record import Record
from minerisk.plain_text import plain_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def read_manifest(files: RunFolder) -> Manifest:
    """Read the manifest of a run folder.

    Raises
    ------
    InputError
        If there is none, or it is not one that this program writes.
    """
    if not files.manifest.is_file() and not files.manifest.is_symlink():
        raise InputError(
            f"{files.path} has no {files.manifest.name}; expected the folder of a run. Make one "
            "with `minerisk run CONFIG --out DIR`."
        )
    return Manifest.read(files.manifest)


def write_manifest(
    files: RunFolder, manifest: Manifest, *, signer: "Ed25519PrivateKey | None" = None
) -> Manifest:
    """Write a manifest, every stage holding the hash of what is before it.

    ``head`` is the hash of the last entry: it changes with every byte of what went into stages,
    what they wrote and in which order. Whoever keeps it elsewhere can tell later that nothing was
    rewritten. With the key of a maker the head is signed.
    """
    stages: list[Stage] = []
    digest = header_sha256(manifest)
    for stage in manifest.stages:
        stages.append(stage.model_copy(update={"before": digest}))
        digest = stage_sha256(stages[-1])
    signed = manifest.signed
    if signer is not None:
        signed = Signature(key=public_text(signer), signature=sign(signer, head_bytes(digest)))
    whole = manifest.model_copy(update={"stages": tuple(stages), "head": digest, "signed": signed})
    write_whole(files.manifest, whole.to_json())
    return whole


def head_bytes(head: str) -> bytes:
    """Collect what the signature of a maker is of."""
    return canonical(["head of a minerisk run", head]).encode()


def header_sha256(manifest: Manifest) -> str:
    """Hash what a manifest says of the run as a whole; where its configuration lies may change."""
    return sha256_text(
        canonical(
            [
                ["schema_version", manifest.schema_version],
                ["study_area", manifest.study_area],
                ["title", manifest.title],
                ["simulated", manifest.simulated],
                ["trained_by", list(manifest.trained_by)],
                ["maker_keys", list(manifest.maker_keys)],
            ]
        )
    )


def stage_sha256(stage: Stage) -> str:
    """Hash an entry of the trail."""
    return sha256_text(canonical(stage.model_dump(mode="json")))


def environment_sha256(used: Environment) -> str:
    """Hash what a stage was done with."""
    return sha256_text(canonical(used.model_dump(mode="json")))


def stage_key(name: str, code: str, settings: str, inputs: Mapping[str, str]) -> str:
    """Hash what decides the outputs of a stage: its name, code, settings and inputs."""
    return sha256_text(canonical([name, code, settings, dict(inputs)]))


def record_maker(
    files: RunFolder, name: str | None, *, signer: "Ed25519PrivateKey | None" = None
) -> None:
    """Add a name and a key to those who made this run; no name is ever taken from the system.

    The keys are part of what the head stands for, so that a signature cannot be taken away.
    """
    manifest, given = read_manifest(files), plain_text(name or "").strip()
    names, keys = manifest.trained_by, manifest.maker_keys
    if given and given not in names:
        names = (*names, given)
    if signer is not None and public_text(signer) not in keys:
        keys = (*keys, public_text(signer))
    if (names, keys) != (manifest.trained_by, manifest.maker_keys):
        _check_signer(files, manifest, signer)
        named = {"trained_by": names, "maker_keys": keys}
        write_manifest(files, manifest.model_copy(update=named), signer=signer)


def _check_signer(files: RunFolder, manifest: Manifest, signer: "Ed25519PrivateKey | None") -> None:
    """Refuse to change a signed trail without a key: its signature would no longer hold."""
    if signer is None and manifest.maker_keys:
        raise InputError(
            f"{files.path} is signed by whoever made it (key "
            f"{fingerprint(manifest.maker_keys[-1])}), and this would change it. Go on with it by "
            "`minerisk run CONFIG --out RUN --key KEY`."
        )


def do_stage(
    files: RunFolder,
    name: str,
    *,
    inputs: Mapping[str, str],
    settings: Mapping[str, JsonValue],
    work: Callable[[], tuple[Sequence[Path], Record]],
    signer: "Ed25519PrivateKey | None" = None,
) -> bool:
    """Do a stage unless its outputs are there already, and record it.

    Parameters
    ----------
    files
        Run folder, with a manifest.
    name
        Name of the stage.
    inputs
        Name to SHA-256 of what goes in.
    settings
        The part of the configuration that matters here.
    work
        Makes the outputs; returns their paths and what the stage reports.
    signer
        Key of whoever does it.

    Returns
    -------
    bool
        False if there was nothing to do.

    Raises
    ------
    FindingError
        If an output of an earlier stage is not as it was written: nothing is made of it.
    InputError
        If the run is signed and no key is given.
    """
    manifest = read_manifest(files)
    settled = sha256_text(canonical(settings))
    key = stage_key(name, code_sha256(), settled, inputs)
    known = manifest.stage(name)
    if known is not None and known.key == key and _intact(files, known.outputs):
        return False
    if known is None or known.key != key:
        _check_signer(files, manifest, signer)
    _check_inputs(files, manifest, inputs)
    started = time.monotonic()
    paths, facts = work()
    outputs = _record_outputs(files, paths)
    if known is not None and known.key == key and known.outputs == outputs:
        return True  # lost, and made again the same: the trail stays as it is
    _check_signer(files, manifest, signer)
    stage = Stage(
        name=name,
        key=key,
        settings=settled,
        environment=environment_sha256(environment()),
        inputs=dict(inputs),
        outputs=outputs,
        seconds=round(time.monotonic() - started, 1),
        facts=facts.model_dump(mode="json"),
    )
    write_manifest(files, _with_stage(manifest, stage), signer=signer)
    return True


def outputs_of(manifest: Manifest, *names: str) -> dict[str, str]:
    """Gather the outputs of earlier stages, path to SHA-256, for use as inputs.

    Raises
    ------
    InputError
        If one of the stages is not done.
    """
    found: dict[str, str] = {}
    for name in names:
        found.update(manifest.done(name).outputs)
    return found


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a folder for this process alone; its owner alone may read what it makes there.

    What an earlier process left half written is removed: a stage whose outputs are whole is not
    done again, and would leave it there for good.

    Raises
    ------
    InputError
        If another process is at work in it.
    FindingError
        If it holds a link: whatever is written could go elsewhere.
    """
    folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    refuse_links(folder)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    with os.fdopen(os.open(RunFolder(folder).lock, flags, FILE), "rb+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                f"Another minerisk process is at work in {folder}. Wait for it, or use another "
                "--out folder."
            ) from error
        remove_half_written(folder)
        yield


def _check_inputs(files: RunFolder, manifest: Manifest, inputs: Mapping[str, str]) -> None:
    """Stop where what a stage reads is not what an earlier one wrote."""
    made = {name: digest for name, digest in inputs.items() if name in manifest.outputs}
    for name, digest in made.items():
        path = files.output(name)
        if not path.exists() or sha256_path(path) != digest:
            raise FindingError(
                f"{path} was changed or removed since it was written; nothing is made of it. Make "
                "it again: `minerisk run CONFIG --out RUN`."
            )


def _with_stage(manifest: Manifest, stage: Stage) -> Manifest:
    """Put a stage where it was before: what is made comes before what is made of it."""
    if manifest.stage(stage.name) is None:
        stages = (*manifest.stages, stage)
    else:
        stages = tuple(stage if known.name == stage.name else known for known in manifest.stages)
    used = {known.environment for known in stages}
    kept = {**manifest.environments, stage.environment: environment()}
    return manifest.model_copy(
        update={
            "stages": stages,
            "environments": {name: value for name, value in kept.items() if name in used},
        }
    )


def _record_outputs(files: RunFolder, paths: Sequence[Path]) -> dict[str, str]:
    """Hash outputs; a folder's listing is kept, so that a file in it can be named later."""
    outputs = {}
    for path in paths:
        name = files.name_of(path)
        if path.is_dir():
            content = listing(path)
            write_whole(files.listing(name), content)
            outputs[name] = hashlib.sha256(content).hexdigest()
        else:
            outputs[name] = sha256_path(path)
    return outputs


def _intact(files: RunFolder, outputs: Mapping[str, str]) -> bool:
    return all(
        files.output(name).exists() and sha256_path(files.output(name)) == digest
        for name, digest in outputs.items()
    )
