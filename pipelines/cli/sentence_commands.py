"""Commands for a native reader: the sentences of a language as a table, and its corrections."""

from pathlib import Path
from typing import Annotated

import typer

from minerisk.configs.languages import OtherLanguage
from minerisk.pipelines.cli.options import Json, example, writable
from minerisk.pipelines.cli.output import show

sentences = typer.Typer(
    help="Have a native reader check the sentences of a language.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Table = Annotated[Path, typer.Argument(metavar="FILE.csv", help="table of sentences")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(sentences, name="sentences")


@sentences.command("export", epilog=example("minerisk sentences export az.csv --language az"))
def export(
    out: Annotated[
        Path, typer.Argument(metavar="FILE.csv", callback=writable, help="table to write")
    ],
    language: Annotated[OtherLanguage, typer.Option("--language", help="of the sentences")],
    everything: Annotated[
        bool,
        typer.Option("--all", help="all sentences, not those alone that change what is done"),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the sentences as a table for a spreadsheet, the gravest misreadings first."""
    from minerisk.pipelines.translate.corrections import export_sentences

    made = export_sentences(language, out, everything=everything)
    lines = [
        f"Written to {made.file}: {made.sentences:,} of {made.of:,} sentences. Correct the column "
        "translation, leave what is in braces or tags and all other columns as they are, save as "
        "CSV UTF-8, and give it to `minerisk sentences import`."
    ]
    show(made, lines, as_json=as_json)


@sentences.command("import", epilog=example("minerisk sentences import az.csv"))
def take_back(table: Table, as_json: Json = False) -> None:
    """Check a corrected table, and write it into the catalogues: all of it, or nothing."""
    from minerisk.pipelines.translate.corrections import import_sentences

    taken = import_sentences(table)
    counts = ", ".join(f"{count:,} in {language}" for language, count in taken.changed.items())
    lines = [f"Read {taken.rows:,} rows; sentences changed: {counts or 'none'}.", *taken.terms]
    show(taken, lines, as_json=as_json)
