"""What went into a run and what it wrote: layers with their hashes, errors and what is absent."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from minerisk.configs.schema import Config, RasterLayer, VectorLayer
from minerisk.features.kinds import FEATURE_KINDS
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.records.manifest import (
    BuildFacts,
    EvidenceDates,
    LayerCover,
    LineError,
    Manifest,
)
from minerisk.pipelines.records.validation import Problem

OFTEN_ABSENT: Mapping[str, str] = {"roads": marked("roads"), "settlements": marked("settlements")}
"""Layers that a reader expects, by a part of their name."""
OUTPUTS = ("rasters/", "tasks", "model", "metrics")


@dataclass(frozen=True)
class InputRow:
    """A layer or the configuration: hash, source and licence."""

    name: str
    sha256: str
    source: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Inputs:
    """What went into a run.

    Attributes
    ----------
    hashes
        Layers and configuration; empty where there is no manifest.
    outputs
        What the run wrote, to SHA-256; styles are left out.
    errors
        Layer to its stated positional error, metres.
    absent
        English messages that name what is not in the model.
    left_out
        Features that were left out, and why.
    coverage
        Layers that speak for a part of the land only.
    line_error
        How far features move with lines that are off by their stated error.
    day
        When the layers were read; None where it is not on record.
    evidence
        How old the evidence is, layer by layer.
    """

    hashes: tuple[InputRow, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    left_out: tuple[Problem, ...] = ()
    coverage: tuple[LayerCover, ...] = ()
    line_error: LineError | None = None
    day: dt.date | None = None
    evidence: tuple[EvidenceDates, ...] = ()

    @property
    def newest(self) -> dt.date | None:
        """Day of the newest dated record of evidence; None where none is dated."""
        return max((row.newest for row in self.evidence if row.newest is not None), default=None)

    @classmethod
    def of(cls, config: Config | None, manifest: Manifest | None) -> Self:
        """Gather what is known of the inputs of a run; a folder may have neither."""
        build = None
        if manifest is not None and manifest.stage("build") is not None:
            build = manifest.facts("build", BuildFacts)
        return cls(
            hashes=() if manifest is None else _hashes(config, manifest),
            outputs={} if manifest is None else _outputs(manifest),
            errors={} if config is None else _errors(config),
            absent=() if config is None else _absent(config),
            left_out=() if build is None else build.left_out,
            coverage=() if build is None else build.coverage,
            line_error=None if build is None else build.line_error,
            day=None if build is None else build.day,
            evidence=() if build is None else build.evidence,
        )


def _hashes(config: Config | None, manifest: Manifest) -> tuple[InputRow, ...]:
    hashes = manifest.layers | {
        name: digest
        for stage in manifest.stages
        for name, digest in stage.inputs.items()
        if name == "config.yaml"
    }
    layers = {} if config is None else config.layers
    return tuple(
        _row(name.removeprefix("layer:"), digest, layers) for name, digest in sorted(hashes.items())
    )


def _row(name: str, digest: str, layers: Mapping[str, VectorLayer | RasterLayer]) -> InputRow:
    layer = layers.get(name)
    if layer is None:
        return InputRow(name, digest)
    return InputRow(name, digest, layer.source or "", layer.licence or "")


def _outputs(manifest: Manifest) -> dict[str, str]:
    return {
        name: digest
        for name, digest in sorted(manifest.outputs.items())
        if name.startswith(OUTPUTS) and not name.endswith(".qml")
    }


def _errors(config: Config) -> dict[str, float]:
    return {
        name: layer.position_error_m
        for name, layer in config.layers.items()
        if isinstance(layer, VectorLayer) and layer.position_error_m
    }


def _absent(config: Config) -> tuple[str, ...]:
    used = {feature.kind for feature in config.features}
    layers = {
        str(value) for feature in config.features for name, value in feature if name == "layer"
    }
    kinds = [
        kind.words
        for name, kind in FEATURE_KINDS.items()
        if kind.role == "feature" and not kind.of_any_layer and name not in used
    ]
    expected = [
        words for part, words in OFTEN_ABSENT.items() if not any(part in layer for layer in layers)
    ]
    return (*kinds, *expected)
