"""A page of a template in the language of its reader: HTML, Markdown or plain text."""

import datetime as dt
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from minerisk.pipelines.language.messages import Texts
from minerisk.plain_text import plain_message

Shown = str | int | float | dt.date | Path | None
"""What a template shows: words, numbers, days, places of files."""
Escape = Callable[[Shown], Markup]


def page(template: str, texts: Texts, *, folder: Path, **facts: object) -> str:
    """Fill a template.

    Parameters
    ----------
    template
        Name of a file in `folder`. What it is made of follows from its name: in
        ``….html.j2`` values are escaped for HTML, in ``….md.j2`` for Markdown and the HTML in it,
        in ``….txt.j2`` not at all. ``{% trans %}`` marks its messages; whole numbers are grouped,
        and days are in the order of the language.
    texts
        The words of the page's language.
    folder
        Where the template lies: ``templates`` of the package that fills it.
    facts
        What the template asks for; anything that it lacks is an error.
    """
    form = template.removesuffix(".j2").rpartition(".")[2]
    environment = _environment(texts, ESCAPES[form], folder)
    return environment.get_template(template).render(language=texts.language, **facts)


def in_markdown(value: Shown) -> Markup:
    """Keep a word from outside on its line, in its column, and out of HTML."""
    if isinstance(value, Markup):
        return value
    plain = " ".join(str(value).split())
    return Markup(plain.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|"))


def as_it_is(value: Shown) -> Markup:
    """Leave a value as it is: plain text has nothing to escape."""
    return Markup(str(value))


ESCAPES: Mapping[str, Escape] = {
    "html": escape,
    "md": in_markdown,
    "txt": as_it_is,
    "yaml": as_it_is,
}


@cache
def _environment(texts: Texts, escape_word: Escape, folder: Path) -> jinja2.Environment:
    def escaped(value: Shown) -> Markup:
        if type(value) is str:  # a record may come from elsewhere, and steers no page
            return escape_word(plain_message(value))
        if isinstance(value, int) and not isinstance(value, bool):
            return escape_word(texts.number(value, "count"))
        if isinstance(value, dt.date):
            return escape_word(texts.day(value))
        return escape_word(value)

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        finalize=escaped,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.extend(newstyle_gettext=True)
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters |= {"number": texts.number, "say": texts.say, "day": texts.day,
                            "lowered": texts.lowered}  # fmt: skip

    def filled(message: str, values: Mapping[str, Shown]) -> Markup:
        return Markup(message) % {name: escaped(value) for name, value in values.items()}

    def gettext(message: str, /, **values: Shown) -> Markup:
        return filled(texts.say(message), values)

    def ngettext(one: str, many: str, count: float, /, **values: Shown) -> Markup:
        return filled(texts.counted(one, many, count), {"num": count, **values})

    # As install_gettext_callables, but a message's values are escaped as the page's form demands.
    environment.globals |= {"gettext": gettext, "ngettext": ngettext, "_": gettext}
    return environment
