"""Arguments and options that several commands share: one meaning, one help text."""

import datetime as dt
import math
from pathlib import Path
from typing import Annotated

import typer

from minerisk.pipelines.records.choices import Hazard as HazardClass
from minerisk.pipelines.records.choices import Language as LanguageName


def example(line: str) -> str:
    """Return the end of a command's help: a line that can be copied."""
    return f"\b\nExample:\n  {line}"


def day(text: str) -> dt.date:
    """Read a day that was given on the command line."""
    from minerisk.features.vector_files.dates import iso_day

    found = iso_day(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no day; expected YYYY-MM-DD.")
    return found


def number(text: str) -> float:
    """Read a number that was given on the command line; inf and nan are none."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise typer.BadParameter(f"{text!r} is no number; expected one such as 250 or 0.5.")
    return found


def writable(path: Path | None) -> Path | None:
    """Refuse a place for results that cannot be written, before anything is computed for it."""
    from minerisk.pipelines.provenance.folders import check_place

    if path is not None:
        check_place(path)
    return path


Config = Annotated[Path, typer.Argument(help="configuration of the study area, YAML")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="run folder")]
NewRun = Annotated[
    Path, typer.Option("--out", callback=writable, help="run folder; new, or one to continue")
]
Out = Annotated[Path | None, typer.Option("--out", callback=writable, help="folder for the result")]
Layer = Annotated[str | None, typer.Option("--layer", help="layer of that file")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
By = Annotated[
    str | None,
    typer.Option("--by", help="who does this: a role or staff number is enough; it is recorded"),
]
MakerKey = Annotated[
    Path | None,
    typer.Option("--key", help="ed25519 private key: the trail is signed by whoever makes the run"),
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="processes that share the tiles")]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", help="Dask scheduler whose workers share them: tls://host:port"),
]
Tls = Annotated[
    Path | None,
    typer.Option("--tls", metavar="DIR", help="ca.pem, cert.pem, key.pem for the scheduler"),
]
TrustNetwork = Annotated[
    bool,
    typer.Option(
        "--trust-network", help="speak without TLS to a scheduler that is not on this machine"
    ),
]
Language = Annotated[
    LanguageName, typer.Option("--language", help="English, Azerbaijani or Russian")
]
WithoutLayers = Annotated[
    bool, typer.Option("--without-layers", help="the layers are not here: check their hashes only")
]
Pin = Annotated[
    str | None,
    typer.Option("--pin", help="hash of the trail or of a review, received separately"),
]
Trust = Annotated[
    Path | None, typer.Option("--trust", help="file of public keys that may sign reviews")
]
Near = Annotated[
    list[str] | None,
    typer.Option("--near", metavar="LAYER", help="only land near this layer; repeatable"),
]
Within = Annotated[
    float | None,
    typer.Option("--within", parser=number, metavar="METRES", help="greatest distance to --near"),
]
Clip = Annotated[
    bool, typer.Option("--clip", help="of the polygons of --aoi, take the part in the study area")
]
District = Annotated[
    list[str] | None,
    typer.Option("--district", metavar="NAME", help="only land in this district; repeatable"),
]
Hazard = Annotated[HazardClass | None, typer.Option("--hazard", help="only this hazard class")]
AsOf = Annotated[
    dt.date | None,
    typer.Option(
        "--as-of",
        parser=day,
        metavar="YYYY-MM-DD",
        help="use only what was known on this day; makes a run of its own",
    ),
]
Aoi = Annotated[
    Path | None,
    typer.Option("--aoi", metavar="FILE", help="only land in the polygons of this file"),
]
