"""Pages of survey results that came back, and of a run made anew beside the one it came from."""

from dataclasses import dataclass
from pathlib import Path as FilePath

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from minerisk.features.errors import MineriskError
from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.records.comparison import Comparison
from minerisk.pipelines.records.feedback import SearchedPart
from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.addresses import Id
from minerisk.pipelines.service.desk import retraining, runs
from minerisk.pipelines.service.desk.retraining import Retraining
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of
from minerisk.pipelines.service.jobs.orders import DIFFERENCE, OVER, JobState
from minerisk.pipelines.service.pages import words
from minerisk.pipelines.service.pages.maps import MapPart, beside_map
from minerisk.pipelines.service.pages.shell import fragment, render
from minerisk.pipelines.service.returning import returned
from minerisk.pipelines.service.routes.returned import Asked, FileName, Hours, look, sent

router = APIRouter(tags=["pages"], include_in_schema=False)
ENOUGH = 0.9
"""Share of the land that has to be searched for less found to say something."""


@dataclass(frozen=True)
class Part:
    """A part of the searched land as a line of a table: what was predicted, what was found."""

    name: str
    part: SearchedPart

    @property
    def verdict(self) -> str:
        """How what was found lies to what was predicted."""
        found, predicted = self.part.found, self.part.predicted
        if found is None or predicted is None:
            return words.NOTHING_TESTS
        if found.high is not None and predicted > found.high:
            return words.LESS_FOUND
        if found.low is not None and predicted < found.low:
            return words.MORE_FOUND
        return words.AS_PREDICTED

    @property
    def thin(self) -> bool:
        """Whether so little of the land was searched that more can be there."""
        return self.part.effort is not None and self.part.effort < ENOUGH


@router.get("/runs/{run}/results")
def show(request: Request, run: Id, asked: Asked = None) -> Response:
    """Show how the map fared where surveys were done, the random arm first, and take files."""
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.read() as session:
        row, found = runs.usable_run(desk, session, caller, run)
        made = [each for each in retraining.retrainings(session, texts) if each.run == row.folder]
    feedback = returned.feedback_of(found)
    view = runs.view_of(row, desk.standings.of(found.folder), caller, texts)
    arms = [] if feedback is None else [Part(each.arm, each) for each in feedback.check.arms]
    classes = (
        [] if feedback is None else [Part(each.risk_class, each) for each in feedback.check.classes]
    )
    return render(
        request,
        "results.html.j2",
        strip=view.strip,
        run=view,
        asked=asked,
        feedback=feedback,
        arms=arms,
        classes=classes,
        made=made,
        over=OVER,
        done=JobState.DONE,
        kinds=",".join(returned.KINDS),
        retrains=Role.SCIENTIST in caller.roles,
    )


@router.post("/runs/{run}/results/check")
async def check(
    request: Request, run: Id, name: FileName, asked: Asked = None, hours_per_ha: Hours = None
) -> Response:
    """Show each row of a file, and what is wrong with it beside it."""
    found = await sent(request, name, lambda path: look(request, run, path, asked, hours_per_ha))
    return fragment(request, "results_check.html.j2", found=found)


@router.get("/retrainings/{job}")
def show_retraining(request: Request, job: Id) -> Response:
    """Show a run that was made anew beside the one it came from."""
    desk, texts = desk_of(request), texts_of(request)
    made = _made(request, job)
    comparison = _comparison(_difference(request, made))
    on_desk, part = _both(request, made)
    known = desk.standings.of(desk.run_folder(made.folder))
    return render(
        request,
        "retraining.html.j2",
        strip=runs.strip_of(known, texts),
        made=made,
        found=comparison,
        picture=(_difference(request, made) / PICTURE).is_file(),
        on_desk=on_desk,
        map=part,
    )


PICTURE = "rank_shift.png"


@router.get("/retrainings/{job}/moved.png")
def show_moved(request: Request, job: Id) -> FileResponse:
    """Return the map of what moved in the ranking."""
    path = _difference(request, _made(request, job)) / PICTURE
    if not path.is_file():
        raise RefusedError(DeskCode.NOT_FOUND)
    return FileResponse(path, media_type="image/png")


def _made(request: Request, job: str) -> Retraining:
    with desk_of(request).store.read() as session:
        found = retraining.retrainings(session, texts_of(request))
    made = next((each for each in found if each.id == job), None)
    if made is None:
        raise RefusedError(DeskCode.NOT_FOUND)
    if made.state is not JobState.DONE:
        raise RefusedError(DeskCode.RESULT_NOT_READY)
    return made


def _difference(request: Request, made: Retraining) -> FilePath:
    return desk_of(request).settings.runs / f"{made.folder}{DIFFERENCE}"


def _comparison(folder: FilePath) -> Comparison:
    try:
        return Comparison.read(folder / "comparison.json")
    except (MineriskError, OSError) as error:
        raise RefusedError(DeskCode.RESULT_CHANGED) from error


def _both(request: Request, made: Retraining) -> tuple[bool, MapPart | None]:
    """Return whether the new run is on the desk, and the map of both if they can be shown."""
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.read() as session:
        try:
            old, _ = runs.usable_run(desk, session, caller, runs.run_id(made.run))
            new, run = runs.usable_run(desk, session, caller, runs.run_id(made.folder))
        except RefusedError:
            return False, None
    facts = runs.facts_of(runs.view_of(new, desk.standings.of(run.folder), caller, texts), run)
    return True, beside_map(old.id, facts, (made.run, made.folder), texts)
