"""Templates of files that other programs read."""

from pathlib import Path

import jinja2

from minerisk.plain_text import plain_value

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    finalize=plain_value,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def template(name: str) -> jinja2.Template:
    """Find a template; what it is filled with is escaped, and what it lacks is an error."""
    return _TEMPLATES.get_template(name)
