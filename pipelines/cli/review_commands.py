"""The reviewer's commands: audit, reproduce, compare, lookback, review, status, runs."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

RunArgument = Annotated[Path, typer.Argument(help="run folder")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
NoLayers = Annotated[
    bool, typer.Option("--without-layers", help="the layers are not at hand: check their trail")
]


class VerifyFirst(TyperGroup):
    """`minerisk audit RUN` means `minerisk audit verify RUN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``verify`` before a word that is no command."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["verify", *args]
        return super().parse_args(ctx, args)


audit = typer.Typer(cls=VerifyFirst, no_args_is_help=True, rich_markup_mode=None)
runs = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def add_desk(app: typer.Typer) -> None:
    """Add the reviewer's commands to the command line."""
    app.add_typer(audit, name="audit", help="Check a run, from raster back to layer.")
    app.add_typer(runs, name="runs", help="Carry the record of a run to another MLflow store.")
    app.command()(reproduce)
    app.command()(compare)
    app.command()(lookback)
    app.command()(status)
    app.command()(review)


@audit.command()
def verify(
    run: RunArgument,
    without_layers: NoLayers = False,
    pin: Annotated[
        str | None, typer.Option("--pin", help="head or review hash as it reached you otherwise")
    ] = None,
    trust: Annotated[
        Path | None, typer.Option("--trust", help="file of public keys that may sign reviews")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every hash, link, gate, review and model text of a run."""
    from dataclasses import asdict

    from minerisk.pipelines.audit.verify import audit_run

    found = audit_run(run, layers=not without_layers, pin=pin, trust=trust)
    lines = [f"PROBLEM  {problem}" for problem in found.problems]
    lines += [f"note     {note}" for note in found.notes]
    lines += [
        f"gate     {gate['name']}: {'passed' if gate['passed'] else 'NOT PASSED'}, "
        f"{gate['value']:.4g} (agreed {gate['threshold']:g}; {gate['words']})"
        for gate in found.gates
    ]
    words = "all as recorded" if not found.problems else f"{len(found.problems)} problems"
    lines.append(f"State: {found.state}. Trail ends in {found.head}.")
    lines.append(f"Audit of {run}: {found.checked} hashes checked, {words}.")
    show(asdict(found), lines, as_json=as_json)
    if found.problems:
        raise typer.Exit(1)


@audit.command()
def head(run: RunArgument) -> None:
    """Print the hash that stands for the whole trail, or for the last review if there is one."""
    from minerisk.pipelines.provenance.manifest import read_manifest
    from minerisk.pipelines.provenance.reviews import read_reviews

    typer.echo(read_reviews(run).end or read_manifest(run).get("head"))


@audit.command()
def export(
    run: RunArgument,
    out: Annotated[Path, typer.Option("--out", help="new folder")],
    ablation: Annotated[
        Path | None, typer.Option("--ablation", help="ablation.json that `minerisk ablate` wrote")
    ] = None,
) -> None:
    """Write a dossier: static pages that tell all of a run, for any browser, without a server."""
    from minerisk.pipelines.audit.dossier import export_dossier

    typer.echo(f"Dossier: {export_dossier(run, out, ablation=ablation)}")


@runs.command("export")
def export_record(
    run: RunArgument,
    out: Annotated[Path, typer.Option("--out", help="ZIP file to write")],
    as_json: Json = False,
) -> None:
    """Pack the record of a run: settings, model, scores, figures, trail, reviews."""
    from minerisk.pipelines.audit.transfer import export_run

    found = export_run(run, out)
    lines = [
        f"{found['file']}: {found['files']} files, SHA-256 {found['sha256']}",
        f"Trail ends in {found['head']}. Send this hash by another way (--pin).",
        "It tells where held-out land had a finding: handle it like the run folder.",
    ]
    show(found, lines, as_json=as_json)


@runs.command("import")
def import_record(
    file: Annotated[Path, typer.Argument(help="ZIP file that `runs export` wrote")],
    uri: Annotated[str, typer.Option("--uri", help="MLflow store: http://…, sqlite:///…")],
    pin: Annotated[
        str | None, typer.Option("--pin", help="head or review hash as it reached you otherwise")
    ] = None,
    trust: Annotated[
        Path | None, typer.Option("--trust", help="file of public keys: follow their reviews")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a packed record to the last hash, and log it to an MLflow store."""
    from minerisk.pipelines.audit.transfer import import_run

    found = import_run(file, uri, pin=pin, trust=trust)
    lines = [
        f"Run {found['run_id']}, version {found['model_version']} of {found['registered_model']}.",
        f"State: {found['state']}." if trust else "Reviews not followed: no --trust was given.",
    ]
    show(found, lines, as_json=as_json)


def reproduce(
    run: RunArgument,
    out: Annotated[Path, typer.Option("--out", help="new folder to make the run again in")],
    fresh_env: Annotated[
        bool, typer.Option("--fresh-env", help="install requirements.lock anew and do it there")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a run again from its inputs, and say what came out other, and where first."""
    from minerisk.pipelines.audit.reproduce import DIFFERS, run_in_fresh_environment, words_of
    from minerisk.pipelines.audit.reproduce import reproduce as make_again

    if fresh_env:
        raise typer.Exit(run_in_fresh_environment(run, out, said=_say))
    found = make_again(run, out, said=_say)
    show(found, words_of(found), as_json=as_json)
    if found["verdict"] == DIFFERS:
        raise typer.Exit(1)


def compare(
    first: Annotated[Path, typer.Argument(help="run folder")],
    second: Annotated[Path, typer.Argument(help="run folder to hold against it")],
    out: Annotated[Path | None, typer.Option("--out", help="folder for the map of shifts")] = None,
    as_json: Json = False,
) -> None:
    """Say what two runs differ in, and what follows from it on the map."""
    from minerisk.pipelines.evaluate.compare import compare_runs

    found = compare_runs(first, second, out=out)
    show(found, found["words"], as_json=as_json)


def lookback(
    run: RunArgument,
    events: Annotated[Path, typer.Option("--events", help="accidents or finds after the run")],
    layer: Annotated[str | None, typer.Option("--layer", help="layer of that file")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="column to count apart by")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="folder for the tables")] = None,
    as_json: Json = False,
) -> None:
    """Say what a run said where something happened later, why, and where misses lie."""
    from minerisk.pipelines.evaluate.lookback import look_back

    found = look_back(run, events, layer=layer, kind=kind, out=out)
    show(found, found["words"], as_json=as_json)


def status(
    run: RunArgument,
    incidents: Annotated[
        Path | None, typer.Option("--incidents", help="accidents or finds, any date")
    ] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="layer of that file")] = None,
    date: Annotated[str | None, typer.Option("--date", help="column of their dates")] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="count later ones only; else the run's as_of")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what has changed since a run was made, and how much of its ranking that touches."""
    from minerisk.pipelines.evaluate.status import Incidents, run_status

    given = None if incidents is None else Incidents(incidents, layer, date, since)
    found = run_status(run, incidents=given)
    show(found, found["words"], as_json=as_json)
    if found["stale"]:
        raise typer.Exit(1)


def review(
    run: RunArgument,
    decision: Annotated[
        str | None, typer.Option("--decision", help="approve, reject or withdraw")
    ] = None,
    by: Annotated[
        str, typer.Option("--by", help="who decides: a name, a role or a staff number")
    ] = "",
    note: Annotated[str, typer.Option("--note", help="why")] = "",
    key: Annotated[Path | None, typer.Option("--key", help="ed25519 key to sign with")] = None,
    champion: Annotated[
        bool, typer.Option("--champion", help="with approve: this run is the one to be used")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="set MLflow's tags and alias as the reviews say")
    ] = False,
    without_layers: NoLayers = False,
    as_json: Json = False,
) -> None:
    """Put a decision on record, or print those that are."""
    from minerisk.pipelines.audit.decide import Decision, review_run
    from minerisk.pipelines.audit.decide import follow as follow_store
    from minerisk.pipelines.provenance.reviews import read_reviews

    if decision is not None:
        made = Decision(decision, by=by, note=note, champion=champion)
        review_run(run, made, key=key, layers=not without_layers)
    elif follow:
        follow_store(run)
    log = read_reviews(run)
    lines = [
        f"{entry['number']}. {entry['at']} {entry['decision']} by {entry['by']}: {entry['note']}"
        for entry in log.entries
    ]
    lines += [f"PROBLEM  {problem}" for problem in log.problems]
    lines.append(f"State: {log.state}{', champion' if log.champion else ''}.")
    if log.end:
        lines.append(f"Reviews end in {log.end}. Keep this hash somewhere else (--pin).")
    show({"state": log.state, "entries": log.entries}, lines, as_json=as_json)
    if log.problems:
        raise typer.Exit(1)


def _say(line: str) -> None:
    typer.echo(line, err=True)


def show(found: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Print lines for people, or all that was found as JSON."""
    if as_json:
        typer.echo(json.dumps(found, indent=1, sort_keys=True))
        return
    for line in lines:
        typer.echo(line)
