"""The request desk: serve it, work for it, and keep it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minerisk.pipelines.cli.options import example, writable

if TYPE_CHECKING:
    from minerisk.pipelines.service.settings import Settings

desk = typer.Typer(
    help="Keep a request desk: accounts, runs, copies.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Home = Annotated[Path, typer.Option("--home", help="folder of the desk")]
Runs = Annotated[Path, typer.Option("--runs", help="folder of run folders")]
Settings_ = Annotated[
    Path | None, typer.Option("--settings", help="YAML file, in place of --home and --runs")
]
Name = Annotated[str, typer.Argument(help="name of the account")]
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", help="its first line; none asks for it")
]
AT_HOME, AT_RUNS = Path("desk"), Path("runs")


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command(epilog=example("minerisk serve --home desk --runs runs"))(serve)
    app.command(epilog=example("minerisk worker --home desk --runs runs"))(worker)
    app.add_typer(desk, name="desk")


def serve(
    home: Home = AT_HOME,
    runs: Runs = AT_RUNS,
    settings: Settings_ = None,
    host: Annotated[str | None, typer.Option("--host", help="address to listen at")] = None,
    port: Annotated[int | None, typer.Option("--port", help="port to listen at")] = None,
) -> None:
    """Serve the request desk to browsers and programs, with a worker beside it.

    It listens on this machine alone, unless the settings have TLS or a trusted proxy.
    """
    from minerisk.pipelines.service import serving

    found = _settings(home, runs, settings, host=host, port=port)
    arguments = ["--home", str(home), "--runs", str(runs)]
    arguments += [] if settings is None else ["--settings", str(settings)]
    serving.serve(found, command=serving.worker_command(arguments), said=_said)


def worker(home: Home = AT_HOME, runs: Runs = AT_RUNS, settings: Settings_ = None) -> None:
    """Do the work that waits at a desk, until stopped; several may work side by side."""
    from minerisk.pipelines.service.serving import run_worker

    run_worker(_settings(home, runs, settings))


@desk.command(
    "account", epilog=example("minerisk desk account 'staff 12' --role administrator --home desk")
)
def add_account(
    name: Name,
    role: Annotated[
        list[str],
        typer.Option("--role", help="manager, data scientist, reviewer or administrator"),
    ],
    home: Home = AT_HOME,
    runs: Runs = AT_RUNS,
    settings: Settings_ = None,
    password_file: PasswordFile = None,
) -> None:
    """Make an account; the first administrator is made so.

    The password lets its owner choose another within a few days, and do nothing else.
    """
    from minerisk.features.errors import InputError
    from minerisk.pipelines.service.accounts.access import GIVEN, Role
    from minerisk.pipelines.service.accounts.people import add_account as add
    from minerisk.pipelines.service.desk.administration import first_until
    from minerisk.pipelines.service.serving import open_desk

    choices = sorted(GIVEN)
    if not set(role) <= set(choices):
        raise InputError(f"--role is {', '.join(role)}; expected {', '.join(choices)}.")
    opened = open_desk(_settings(home, runs, settings))
    password = _password(password_file)
    with opened.store.write() as session:
        roles, until = [Role(each) for each in role], first_until(opened)
        add(session, name, roles, password, at=opened.clock(), first_until=until)
    _said(_first_password_words(name, until))


@desk.command("password", epilog=example("minerisk desk password 'staff 12' --home desk"))
def give_password(
    name: Name,
    home: Home = AT_HOME,
    runs: Runs = AT_RUNS,
    settings: Settings_ = None,
    password_file: PasswordFile = None,
) -> None:
    """Give an account another password, where no administrator can sign in to do so.

    It lets its owner choose another within a few days, and do nothing else.
    """
    from minerisk.pipelines.service.desk.administration import first_until, give_password
    from minerisk.pipelines.service.serving import open_desk, refuse_no_desk

    found = _settings(home, runs, settings)
    refuse_no_desk(found)
    opened = open_desk(found)
    password = _password(password_file)
    with opened.store.write() as session:
        give_password(opened, session, name, password)
    _said(_first_password_words(name, first_until(opened)))


@desk.command("try", epilog=example("minerisk desk try my_area --home desk --runs runs"))
def try_out(
    folder: Annotated[str, typer.Argument(help="name of a run folder in --runs")],
    home: Home = AT_HOME,
    runs: Runs = AT_RUNS,
    port: Annotated[int | None, typer.Option("--port", help="port to listen at")] = None,
) -> None:
    """Serve one run on this machine, to look at the desk: make an account, and tell how to sign in.

    The password is drawn anew each time, and printed once.
    """
    from minerisk.pipelines.service import serving

    found = _settings(home, runs, None, port=port)
    for line in serving.prepare_trial(found, folder):
        _said(line)
    arguments = ["--home", str(home), "--runs", str(runs)]
    serving.serve(found, command=serving.worker_command(arguments), said=_said)


@desk.command("offer", epilog=example("minerisk desk offer my_area --by 'staff 12' --home desk"))
def offer(
    folder: Annotated[str, typer.Argument(help="name of a run folder in --runs")],
    by: Annotated[str, typer.Option("--by", help="account that offers it")],
    home: Home = AT_HOME,
    runs: Runs = AT_RUNS,
    settings: Settings_ = None,
) -> None:
    """Put a run on the desk."""
    from minerisk.pipelines.service.desk.administration import known_account
    from minerisk.pipelines.service.desk.desk import Caller
    from minerisk.pipelines.service.desk.runs import offer as offer_run
    from minerisk.pipelines.service.serving import open_desk

    opened = open_desk(_settings(home, runs, settings))
    with opened.store.write() as session:
        account = known_account(session, by)
        offer_run(opened, session, Caller(account.id, account.name), folder)
    _said(f"{folder} is on the desk.")


@desk.command("upgrade", epilog=example("minerisk desk upgrade --home desk"))
def upgrade(home: Home = AT_HOME, runs: Runs = AT_RUNS, settings: Settings_ = None) -> None:
    """Bring the database of a desk to this version; make a copy first."""
    from minerisk.pipelines.service.serving import refuse_no_desk
    from minerisk.pipelines.service.store.database import upgrade as bring_up

    found = _settings(home, runs, settings)
    refuse_no_desk(found)
    bring_up(found.database_url)
    _said("The database is of this version.")


@desk.command("backup", epilog=example("minerisk desk backup desk.tar.gz --home desk"))
def backup(
    out: Annotated[Path, typer.Argument(callback=writable, help="file to write")],
    home: Home = AT_HOME,
    runs: Runs = AT_RUNS,
    settings: Settings_ = None,
) -> None:
    """Copy a desk into one file, while it serves; run folders are copied by themselves."""
    found = _settings(home, runs, settings)
    from minerisk.pipelines.service.copies import back_up
    from minerisk.pipelines.service.serving import refuse_no_desk

    refuse_no_desk(found)
    _said(f"Copy: {back_up(found, out)}")


@desk.command("restore", epilog=example("minerisk desk restore desk.tar.gz --home new_desk"))
def restore(
    file: Annotated[Path, typer.Argument(help="file of `minerisk desk backup`")],
    home: Home = AT_HOME,
    runs: Runs = AT_RUNS,
    settings: Settings_ = None,
) -> None:
    """Put the copy of a desk in place, in a folder and a database that have none.

    The database may be of the other kind: so a desk moves from SQLite to PostgreSQL.
    """
    found = _settings(home, runs, settings)
    from minerisk.pipelines.service.copies import restore as put_back

    put_back(found, file)
    _said(f"The desk is in {found.home}.")


def _settings(
    home: Path, runs: Path, file: Path | None, *, host: str | None = None, port: int | None = None
) -> "Settings":
    """Read the settings; options go before what the file says."""
    from minerisk.features.errors import InputError

    try:
        from minerisk.pipelines.service.settings import read_settings, settings_of
    except ImportError as error:
        raise InputError(f"{error}. Install the desk: pip install 'minerisk[serve]'.") from error
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    if file is None:
        return settings_of({"home": home, "runs": runs, **given}, source="options")
    found = read_settings(file)
    return settings_of({**found.model_dump(), **given}, source=str(file))


def _password(file: Path | None) -> str:
    from minerisk.features.files.plain_files import read_plain

    if file is not None:
        return read_plain(file, most=10_000).decode(errors="replace").split("\n")[0]
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    given: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return given


def _first_password_words(name: str, until: float) -> str:
    from minerisk.pipelines.provenance.clock import time_of

    return f"Until {time_of(until):%Y-%m-%d} {name} can sign in with it, and chooses another then."


def _said(line: str) -> None:
    typer.echo(line)
