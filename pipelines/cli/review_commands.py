"""Commands for reviewers: audit, reproduce, decide, and carry the record to another store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minerisk.pipelines.cli.options import (
    Json,
    Language,
    Pin,
    RunFolder,
    Trust,
    WithoutLayers,
    example,
    writable,
)
from minerisk.pipelines.cli.output import progress_line, show
from minerisk.pipelines.records.choices import DecisionName

if TYPE_CHECKING:
    from minerisk.pipelines.provenance.reviews import ReviewLog
    from minerisk.pipelines.records.review import Audit, Standing

audit = typer.Typer(
    help="Check a run, from raster back to layer.", no_args_is_help=True, rich_markup_mode=None
)
review = typer.Typer(
    help="Record and list decisions on a run.", no_args_is_help=True, rich_markup_mode=None
)
runs = typer.Typer(
    help="Carry the record of a run to another MLflow store.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(audit, name="audit")
    app.add_typer(review, name="review")
    app.add_typer(runs, name="runs")
    line = "minerisk reproduce runs/my_area --out runs/again"
    app.command(epilog=example(line))(reproduce)


@audit.command(epilog=example("minerisk audit verify runs/my_area"))
def verify(
    folder: RunFolder,
    without_layers: WithoutLayers = False,
    pin: Pin = None,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Check every hash, link, gate and review of a run."""
    from minerisk.pipelines.audit.verify import audit_run
    from minerisk.pipelines.provenance.run_folder import RunFolder as Folder

    found = audit_run(Folder(folder), layers=not without_layers, pin=pin, trust=trust)
    show(found, _audit_lines(folder, found), as_json=as_json)
    if found.problems:
        raise typer.Exit(1)


@audit.command(epilog=example("minerisk audit head runs/my_area"))
def head(folder: RunFolder) -> None:
    """Print the hash that stands for a run.

    It is that of the last review if there is one, else that of the whole trail.
    """
    from minerisk.pipelines.run.folder import Run

    run = Run.open(folder)
    typer.echo(run.reviews().end or run.manifest().head)


@audit.command(epilog=example("minerisk audit export runs/my_area --out dossier"))
def export(
    folder: RunFolder,
    out: Annotated[Path, typer.Option("--out", callback=writable, help="new folder")],
    ablation: Annotated[
        Path | None, typer.Option("--ablation", help="ablation.json of `minerisk ablate`")
    ] = None,
    language: Language = "en",
) -> None:
    """Write a dossier: static pages for any browser."""
    from minerisk.pipelines.audit.dossier import export_dossier

    typer.echo(f"Dossier: {export_dossier(folder, out, ablation=ablation, language=language)}")


@runs.command("export", epilog=example("minerisk runs export runs/my_area --out my_area.zip"))
def export_record(
    folder: RunFolder,
    out: Annotated[Path, typer.Option("--out", callback=writable, help="ZIP file to write")],
    as_json: Json = False,
) -> None:
    """Pack the record of a run into one file.

    It holds settings, model, scores, figures, trail and reviews; no layer, cube or raster.
    """
    from minerisk.pipelines.audit.transfer import export_run
    from minerisk.pipelines.run.folder import Run

    found = export_run(Run.open(folder), out)
    lines = [
        f"{found.file}: {found.files} files, SHA-256 {found.sha256}",
        f"Trail ends in {found.head}. Send this hash through a separate channel (--pin).",
        "It shows where held-out land had a finding: handle it like the run folder.",
    ]
    show(found.model_dump(), lines, as_json=as_json)


@runs.command(
    "import", epilog=example("minerisk runs import my_area.zip --uri sqlite:///office.db")
)
def import_record(
    file: Annotated[Path, typer.Argument(help="ZIP file of `minerisk runs export`")],
    uri: Annotated[str, typer.Option("--uri", help="MLflow store: http://…, sqlite:///…")],
    pin: Pin = None,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Check a packed record and log it to an MLflow store."""
    from minerisk.pipelines.audit.transfer import import_run

    found = import_run(file, uri, pin=pin, trust=trust)
    lines = [
        f"Run {found.run_id}, version {found.model_version} of {found.registered_model}.",
        f"State: {found.state}." if trust else "Reviews are not followed without --trust.",
    ]
    show(found.model_dump(mode="json"), lines, as_json=as_json)


def reproduce(
    folder: RunFolder,
    out: Annotated[
        Path, typer.Option("--out", callback=writable, help="new folder for the second run")
    ],
    fresh_env: Annotated[
        bool, typer.Option("--fresh-env", help="in a new environment made of requirements.lock")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a run again and list what differs, by stage."""
    from minerisk.pipelines.audit.reproduce import reproduce as make_again
    from minerisk.pipelines.audit.reproduce import run_in_fresh_environment
    from minerisk.pipelines.audit.reproduction_lines import reproduction_lines
    from minerisk.pipelines.records.comparison import Sameness
    from minerisk.pipelines.run.folder import Run

    if fresh_env:
        again = run_in_fresh_environment(folder, out, said=progress_line, as_json=as_json)
        raise typer.Exit(again)
    found = make_again(Run.open(folder), out, said=progress_line)
    show(found.model_dump(mode="json"), list(reproduction_lines(found)), as_json=as_json)
    if found.verdict is Sameness.DIFFERS:
        raise typer.Exit(1)


@review.command(
    "add",
    epilog=example(
        "minerisk review add runs/my_area --decision approve --by 'reviewer 7' --note 'checked'"
    ),
)
def add_review(
    folder: RunFolder,
    decision: Annotated[DecisionName, typer.Option("--decision", help="what was decided")],
    by: Annotated[str, typer.Option("--by", help="who decides: a role or staff number is enough")],
    note: Annotated[str, typer.Option("--note", help="why")],
    key: Annotated[
        Path | None, typer.Option("--key", help="ed25519 private key to sign with")
    ] = None,
    champion: Annotated[
        bool, typer.Option("--champion", help="with approve: this is the run to use")
    ] = False,
    without_layers: WithoutLayers = False,
    as_json: Json = False,
) -> None:
    """Record a decision on a run, for exactly these bytes."""
    from minerisk.pipelines.audit.decide import Decision, review_run
    from minerisk.pipelines.run.folder import Run

    made, run = Decision(decision, by=by, note=note, champion=champion), Run.open(folder)
    standing = review_run(run, made, key=key, layers=not without_layers)
    _show_reviews(run.reviews(), standing, as_json=as_json)


@review.command("show", epilog=example("minerisk review show runs/my_area"))
def show_reviews(folder: RunFolder, as_json: Json = False) -> None:
    """Verify a run, list the decisions on it, and tell how it stands."""
    from minerisk.pipelines.run.folder import Run

    run = Run.open(folder)
    _show_reviews(run.reviews(), run.standing(), as_json=as_json)


@review.command("follow", epilog=example("minerisk review follow runs/my_area"))
def follow_reviews(folder: RunFolder, as_json: Json = False) -> None:
    """Set the tags and the alias in MLflow by the reviews."""
    from minerisk.pipelines.audit.decide import follow
    from minerisk.pipelines.run.folder import Run

    run = Run.open(folder)
    standing = follow(run)
    _show_reviews(run.reviews(), standing, as_json=as_json)


def _show_reviews(log: "ReviewLog", standing: "Standing", *, as_json: bool) -> None:
    from minerisk.pipelines.language.messages import ENGLISH
    from minerisk.pipelines.records.review import State

    lines = [
        f"{entry.number}. {entry.at} {entry.decision} by {entry.by}: {entry.note}"
        for entry in log.entries
    ]
    lines += [f"PROBLEM  {ENGLISH.say(reason)}" for reason in standing.reasons]
    lines += [f"note     {ENGLISH.say(note)}" for note in log.notes]
    lines.append(state_line(standing))
    if log.end:
        lines.append(f"Reviews end in {log.end}. Keep this hash elsewhere (--pin).")
    show(
        {
            **standing.model_dump(mode="json"),
            "entries": [entry.model_dump(mode="json") for entry in log.entries],
        },
        lines,
        as_json=as_json,
    )
    if standing.reasons and standing.state is not State.WITHDRAWN:
        raise typer.Exit(1)


def state_line(standing: "Standing") -> str:
    """Word how a run stands."""
    from minerisk.pipelines.records.review import State

    if standing.state is State.UNVERIFIED:
        return "State: it does not verify. Use nothing of it, and hand nothing out."
    return f"State: {standing.state}{', champion' if standing.champion else ''}."


def _audit_lines(folder: Path, found: "Audit") -> list[str]:
    from minerisk.pipelines.language.messages import ENGLISH
    from minerisk.pipelines.language.metric_words import GATES
    from minerisk.pipelines.language.numbers import number

    lines = [f"PROBLEM  {ENGLISH.say(problem)}" for problem in found.problems]
    lines += [f"note     {ENGLISH.say(note)}" for note in found.notes]
    lines += [
        f"gate     {'passed' if gate.passed else 'NOT PASSED'}: {gate.name}, reached "
        f"{number(gate.value)}, agreed {gate.threshold:g}. It asks: {GATES[gate.name]}"
        for gate in found.gates
    ]
    count = len(found.problems)
    result = f"{count} problem{'s' if count > 1 else ''}" if count else "all as recorded"
    lines.append(state_line(found.standing))
    if found.head:
        lines.append(f"Trail ends in {found.head}.")
    lines.append(f"Audit of {folder}: {found.checked} hashes checked, {result}.")
    return lines
