"""How a run stands: approved, rejected, withdrawn, a draft, or not to be verified.

The one place where it is decided. Nothing is taken from what a file says of itself: the chain of
stages, the outputs, the reviews and the keys are held against each other, and what does not fit
is a reason.
"""

from collections.abc import Collection, Iterable

from minerisk.pipelines.provenance.chain import broken_chain, broken_links
from minerisk.pipelines.provenance.links import links_below
from minerisk.pipelines.provenance.outputs import changed_outputs
from minerisk.pipelines.provenance.reviews import ReviewLog, read_reviews
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.provenance.snapshot import take_snapshot
from minerisk.pipelines.records.manifest import Manifest
from minerisk.pipelines.records.review import (
    FourEyes,
    Standing,
    State,
    TrailCode,
    TrailNotice,
    Verdict,
    trail_notice,
)


def stand(manifest: Manifest, log: ReviewLog, problems: Iterable[TrailNotice] = ()) -> Standing:
    """Decide how a run stands by its reviews and by what was found wrong with the rest.

    Parameters
    ----------
    problems
        Of the chain, the outputs and the links; those of the log are taken from it.
    """
    found = [*problems, *log.problems]
    broken = [each for each in found if each.code is not TrailCode.REVIEW_OF_OTHER_TRAIL]
    if broken:
        return Standing(state=State.UNVERIFIED, reasons=tuple(broken))
    last = log.entries[-1] if log.entries else None
    if last is None:
        return Standing()
    if found and last.decision is not Verdict.WITHDRAW:  # which is final
        return Standing(reasons=tuple(found))
    by_keys = last.key is not None and bool(manifest.maker_keys)
    eyes = FourEyes.KEYS if by_keys else FourEyes.NAMES
    return Standing(
        state=last.decision.state,
        champion=last.champion,
        reasons=tuple(found),
        four_eyes=eyes if last.decision is Verdict.APPROVE else None,
    )


def standing_of(
    files: RunFolder, manifest: Manifest, outputs: Collection[str] | None = None
) -> Standing:
    """Verify a run and decide how it stands.

    Chain, reviews, signatures and links are always verified. Outputs are hashed: no size, date or
    earlier hash is taken for proof.

    Parameters
    ----------
    outputs
        Names of the outputs that are read, or handed out; None is all of them. A name that the
        manifest does not have is left out.
    """
    wanted = manifest.outputs.keys() if outputs is None else set(outputs)
    stages = [
        stage.model_copy(
            update={"outputs": {k: v for k, v in stage.outputs.items() if k in wanted}}
        )
        for stage in manifest.stages
    ]
    snapshot = take_snapshot(files, [name for stage in stages for name in stage.outputs])
    problems = [
        *(trail_notice(TrailCode.STRANGE_LINK, name=name) for name in links_below(files.path)),
        *changed_outputs(snapshot, stages),
        *broken_chain(manifest),
        *broken_links(manifest),
    ]
    return stand(manifest, read_reviews(files, manifest), problems)
