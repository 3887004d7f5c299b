"""Values are escaped as the form of the page demands, in messages too; the form is in its name."""

import datetime as dt

import jinja2
import pytest

from minerisk.pipelines.language.messages import ENGLISH, texts
from minerisk.pipelines.language.page import page

BODY = """{{ title }}
{% trans title=title %}about {{ title }}{% endtrans %}

{% trans count=count %}{{ count }} problem{% pluralize %}{{ count }} problems{% endtrans %}

{{ area | number("hectares") }}
{{ day }}
{% trans day=day %}on {{ day }}{% endtrans %}

"""
VALUES = {"count": 1, "area": 2e4, "day": dt.date(2026, 1, 31)}
OUTSIDE = "a <b> & c |\nd"


@pytest.fixture
def templates(tmp_path):
    for form in ("html", "md", "txt"):
        (tmp_path / f"page.{form}.j2").write_text(BODY)
    return tmp_path


@pytest.mark.parametrize(
    ("form", "title"),
    [
        ("html", "a &lt;b&gt; &amp; c |\nd"),
        ("md", "a &lt;b> &amp; c \\| d"),
        ("txt", OUTSIDE),
    ],
)
def test_what_comes_from_outside_is_escaped_for_the_form(templates, form, title):
    made = page(f"page.{form}.j2", ENGLISH, folder=templates, title=OUTSIDE, **VALUES)
    assert made == f"{title}\nabout {title}\n1 problem\n20,000\n2026-01-31\non 2026-01-31\n"


def test_numbers_and_plural_forms_are_those_of_the_language(templates):
    made = page("page.txt.j2", texts("ru"), folder=templates, title="", **VALUES | {"count": 2000})
    assert made == "\nabout \n2\u202f000 problems\n20\u202f000\n31.01.2026\non 31.01.2026\n"


def test_what_a_template_lacks_is_an_error(templates):
    with pytest.raises(jinja2.UndefinedError, match="title"):
        page("page.html.j2", ENGLISH, folder=templates, **VALUES)
