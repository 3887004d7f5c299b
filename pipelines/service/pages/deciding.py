"""Pages of reviewers and data scientists: runs to review, decisions, runs to offer."""

from fastapi import APIRouter, Request, Response

from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.addresses import Id
from minerisk.pipelines.service.desk import retraining, reviews, runs
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of
from minerisk.pipelines.service.jobs.orders import OVER, JobKind, JobState
from minerisk.pipelines.service.pages.shell import render

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/reviews")
def list_reviews(request: Request) -> Response:
    """List the runs, with how each stands."""
    desk = desk_of(request)
    with desk.store.read() as session:
        found = runs.list_runs(desk, session, caller_of(request), texts_of(request))
    return render(request, "reviews.html.j2", found=found)


@router.get("/runs/{run}/review")
def review(request: Request, run: Id) -> Response:
    """Show the decisions on a run, its verifications, and where to decide."""
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.read() as session:
        found = reviews.reviews_of(desk, session, caller, run, texts)
        row, known = runs.find_run(desk, session, caller, run)
        done = [job for job in found.jobs if job.kind is JobKind.AUDIT]
        audits = [reviews.audit_of(desk, session, caller, run, job.id, texts) for job in done[:5]]
    return render(
        request,
        "review.html.j2",
        strip=found.strip,
        found=found,
        run=runs.view_of(row, known, caller, texts),
        audits=audits,
        under_way=[job for job in found.jobs if job.state not in OVER],
        failed=[job for job in found.jobs if job.state is JobState.FAILED],
        decides=Role.REVIEWER in caller.roles,
        head="" if known.run is None else known.run.manifest().head,
    )


@router.get("/offers")
def offers(request: Request) -> Response:
    """Show run folders that can be offered, and runs that are on the desk."""
    desk = desk_of(request)
    with desk.store.read() as session:
        folders = runs.folders_to_offer(desk, session)
        found = runs.list_runs(desk, session, caller_of(request), texts_of(request))
        made = retraining.retrainings(session, texts_of(request))
    return render(request, "offers.html.j2", folders=folders, found=found, made=made, over=OVER)
