"""Whether the entries of a trail follow from each other, and its head is signed as it says."""

from collections.abc import Iterator
from typing import Final

from minerisk.pipelines.provenance.manifest import (
    environment_sha256,
    head_bytes,
    header_sha256,
    stage_key,
    stage_sha256,
)
from minerisk.pipelines.provenance.reviews import ReviewLog
from minerisk.pipelines.provenance.signatures import fingerprint, signed_by
from minerisk.pipelines.records.manifest import Manifest
from minerisk.pipelines.records.review import TrailCode, TrailNotice, trail_notice

LAYER: Final = "layer:"


def broken_chain(manifest: Manifest) -> Iterator[TrailNotice]:
    """Name every entry of the trail that does not hold the hash of the entry before it."""
    digest = header_sha256(manifest)
    for stage in manifest.stages:
        name = stage.name
        if stage.before != digest:
            yield trail_notice(TrailCode.ENTRY_UNCHAINED, stage=name)
        digest = stage_sha256(stage)
        used = manifest.environments.get(stage.environment)
        if used is None or environment_sha256(used) != stage.environment:
            yield trail_notice(TrailCode.ENVIRONMENT_CHANGED, stage=name)
        elif stage.key != stage_key(name, used.code_sha256, stage.settings, stage.inputs):
            yield trail_notice(TrailCode.KEY_WRONG, stage=name)
    if manifest.head != digest:
        yield trail_notice(TrailCode.HEAD_WRONG)
    yield from _maker_problems(manifest)


def broken_links(manifest: Manifest) -> Iterator[TrailNotice]:
    """Name every input of a stage that is no layer and not what an earlier stage wrote."""
    known: dict[str, str] = {}
    for stage in manifest.stages:
        for name, digest in stage.inputs.items():
            if not name.startswith(LAYER) and known.get(name) != digest:
                yield trail_notice(TrailCode.LINK_BROKEN, name=name, stage=stage.name)
        known.update(stage.outputs)


def _maker_problems(manifest: Manifest) -> Iterator[TrailNotice]:
    """Check the signature of a head that has makers with keys."""
    signed = manifest.signed
    if signed is None:
        if manifest.maker_keys:
            key = fingerprint(manifest.maker_keys[-1])
            yield trail_notice(TrailCode.MAKER_UNSIGNED, key=key)
    elif signed.key not in manifest.maker_keys or not signed_by(
        signed.key, signed.signature, head_bytes(manifest.head)
    ):
        yield trail_notice(TrailCode.MAKER_SIGNATURE_WRONG, key=fingerprint(signed.key))


def unpinned(manifest: Manifest, log: ReviewLog, pin: str | None) -> Iterator[TrailNotice]:
    """Check that a hash received through a separate channel is in the trail."""
    if pin is not None and pin not in {manifest.head, *(entry.sha256 for entry in log.entries)}:
        yield trail_notice(TrailCode.PIN_UNKNOWN, pin=pin)
