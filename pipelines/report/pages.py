"""Pages made of the templates of this package, with the names and sentences they have in common."""

from pathlib import Path

from minerisk.pipelines.language import names
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.language.page import page
from minerisk.pipelines.language.task_words import RULES, STANDING
from minerisk.pipelines.report import wording
from minerisk.pipelines.run.hazards import HAZARD_TITLES

TEMPLATES = Path(__file__).parent / "templates"


def report_page(template: str, texts: Texts, **facts: object) -> str:
    """Fill a template of this package; `minerisk.pipelines.language.page` has how."""
    return page(
        template,
        texts,
        folder=TEMPLATES,
        names=names,
        hazard_titles=HAZARD_TITLES,
        rules=RULES,
        standing=STANDING,
        lists=wording,
        wording=wording.Wording(texts),
        **facts,
    )
