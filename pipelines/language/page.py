"""A page of a template in the language of its reader."""

from pathlib import Path

import jinja2

from minerisk.pipelines.language.messages import Texts


def page(template: str, texts: Texts, *, folder: Path, **facts: object) -> str:
    """Fill a template.

    Parameters
    ----------
    template
        Name of a file in `folder`; ``{% trans %}`` marks its messages.
    texts
        The words of the page's language.
    folder
        Where the template lies: ``templates`` of the package that fills it.
    facts
        What the template asks for; anything that it lacks is an error.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        texts.say, lambda one, many, count: texts.say(one if count == 1 else many), newstyle=True
    )
    filled = environment.get_template(template).render(language=texts.language, **facts)
    return texts.grouped(filled)
