"""The English of what an audit finds; without a full stop, since lists and sentences hold it."""

from collections.abc import Mapping
from enum import StrEnum

from minerisk.pipelines.language.words import Message, marked
from minerisk.pipelines.records.review import TrailCode as Code

TRAIL_WORDS: Mapping[StrEnum, Message] = {
    Code.NOTE_STORE_BEHIND: marked(
        "MLflow still says {state} and has yet to follow the newest reviews ({behind}), as "
        "after a command was stopped: `minerisk review follow RUN`"
    ),
    Code.NOTE_LAYERS_ABSENT: marked(
        "{count} of {of} layers are not at hand here ({names}): they were checked by their "
        "recorded hashes alone, which says nothing against the run. The first: {why}"
    ),
    Code.NOTE_NAMES_ONLY: marked(
        "the approval by {by} rests on names alone: the run was made without a key (`minerisk "
        "run … --key`), so nothing proves that two people were at work"
    ),
    Code.REVIEW_NEEDS_KEY: marked(
        "{file}, line {line}: {by} approved without a key a run that was made with one; two "
        "people cannot be told apart so"
    ),
    Code.REVIEW_BY_MAKER_KEY: marked(
        "{file}, line {line}: key {key} made the run and approved it as {by}; two people are needed"
    ),
    Code.MAKER_SIGNATURE_WRONG: marked(
        "manifest.json was changed since it was signed, or is signed by none of its makers (key "
        "{key}): put it back, or go on with `minerisk run … --key`"
    ),
    Code.MAKER_UNSIGNED: marked(
        "manifest.json names key {key} as its maker's, and is not signed: put it back, or sign "
        "it with `minerisk run … --key`"
    ),
    Code.MANIFEST_UNREADABLE: marked(
        "manifest.json is cut off or was changed, so that nothing can be held against it; put "
        "it back from a copy, or make the run again: {why}"
    ),
    Code.OUTSIDE: marked("{name} (stage {stage}) lies outside the run folder"),
    Code.MISSING: marked(
        "{name} is missing since stage {stage} wrote it: put it back, or go on with `minerisk run`"
    ),
    Code.CHANGED: marked(
        "{name} was changed since stage {stage} wrote it: put it back, or make it again with "
        "`minerisk run`"
    ),
    Code.LISTING_CHANGED: marked(
        "{name} was changed: it is not the list of files that the trail names"
    ),
    Code.FILE_MISSING: marked("{name} is missing"),
    Code.FILE_ADDED: marked("{name} was added"),
    Code.FILE_CHANGED: marked("{name} has other bytes"),
    Code.MODEL_UNUSABLE: marked("{name} cannot be used: {why}"),
    Code.LINK_BROKEN: marked("{name}, used by stage {stage}, is not what was made before it"),
    Code.LAYER_CHANGED: marked(
        "layer {name} was changed since stage {stage} read it, and the run does not show what "
        "it holds now: make the run again, or put the layer back"
    ),
    Code.ENTRY_UNCHAINED: marked(
        "manifest.json was changed before stage {stage}: its entry does not follow from the one "
        "before it"
    ),
    Code.ENVIRONMENT_CHANGED: marked(
        "manifest.json: what stage {stage} was done with is not on record as it was"
    ),
    Code.KEY_WRONG: marked(
        "manifest.json: the key of stage {stage} is not that of its code, settings and inputs"
    ),
    Code.HEAD_WRONG: marked(
        "manifest.json was changed in its last entry: its head is not the hash of it"
    ),
    Code.PIN_UNKNOWN: marked(
        "{pin} is neither the head of the trail nor a review: the run was rewritten"
    ),
    Code.CONFIG_UNREADABLE: marked("config.yaml cannot be read: {why}"),
    Code.SIMULATED_DISAGREES: marked(
        "manifest.json and config.yaml disagree on whether findings are SIMULATED"
    ),
    Code.HALF_MADE: marked(
        "{name} is half-made: a stage was stopped; the same run goes on with it"
    ),
    Code.STRANGE_FILE: marked("{name} was made by no stage of this run"),
    Code.STRANGE_LINK: marked(
        "{name} is a link, and a run has none; it was not followed: put what it points to in "
        "its place, or remove it"
    ),
    Code.NO_FILE: marked("{name} is no file"),
    Code.GATES_UNREADABLE: marked("the gates in metrics.json cannot be read: {why}"),
    Code.GATE_MISSING: marked("gate {gate} is missing in metrics.json"),
    Code.GATE_OTHER_THRESHOLD: marked(
        "gate {gate} was compared with {used:g}; agreed was {agreed:g}"
    ),
    Code.LOG_CUT: marked("{file} does not end with a whole line"),
    Code.LOG_SHORTER: marked(
        "reviews.jsonl lacks a review that MLflow has followed: its last lines were taken away or "
        "made anew; put it back. The review ends in {end}"
    ),
    Code.LOG_UNREADABLE: marked("{file} cannot be read: {why}"),
    Code.LINE_UNREADABLE: marked(
        "{file}, line {line} is not as minerisk writes it: it was changed by hand"
    ),
    Code.LINE_OTHER_VERSION: marked(
        "{file}, line {line} is of schema version {stated}, and this minerisk reads version "
        "{read}: verify it with the minerisk that wrote it"
    ),
    Code.LINE_CHANGED: marked("{file}, line {line} is not as it was written"),
    Code.LINE_UNCHAINED: marked("{file}, line {line} does not follow the line before it"),
    Code.REVIEW_BY_MAKER: marked(
        "{file}, line {line}: {by} made the run and approved it; two people are needed"
    ),
    Code.REVIEW_AFTER_WITHDRAWAL: marked("{file}, line {line} decides on a run that was withdrawn"),
    Code.REVIEW_UNSIGNED: marked("{file}, line {line} is not signed"),
    Code.REVIEW_SIGNATURE_WRONG: marked(
        "{file}, line {line}: its signature is not that of its key"
    ),
    Code.REVIEW_KEY_UNTRUSTED: marked(
        "{file}, line {line} is signed with key {key}, which you do not trust"
    ),
    Code.REVIEW_OF_OTHER_TRAIL: marked(
        "the run was changed after the last review ({decision} by {by}, {at}): review it again, "
        "or put back what was reviewed. {file}: the review was of a trail that ends in "
        "{reviewed}; it ends in {head} now"
    ),
    Code.NOTE_REVIEW_UNSIGNED: marked(
        "review {number} ({decision} by {by}) is not signed: whoever can write the folder could "
        "have made it"
    ),
    Code.NOTE_KEY_UNCHECKED: marked(
        "review {number} ({decision} by {by}) is signed with key {key}; whose it is was not "
        "checked (no --trust)"
    ),
    Code.NOTE_CLOCK: marked(
        "review {number} ({decision} by {by}) is dated before the one before it: a clock was set "
        "back"
    ),
    Code.RESULTS_CHANGED: marked("{name} is missing or not as it was stored"),
    Code.STORE_UNREADABLE: marked("the MLflow record cannot be checked: {why}"),
    Code.STORE_NO_VERSION: marked("MLflow has no version {version} of {model} by this run"),
    Code.STORE_TAG: marked("MLflow's tag {tag} is {theirs}; the reviews say {ours}"),
    Code.STORE_CHAMPION: marked(
        "MLflow calls version {version} of {model} champion; the reviews do not"
    ),
    Code.STORE_OTHER_CHAMPION: marked(
        "MLflow's champion of {model} is version {theirs}; the reviews say {version}"
    ),
    Code.STORE_NO_CHAMPION: marked(
        "MLflow has no champion of {model}; the reviews say version {version}"
    ),
    Code.STORE_MODEL: marked("{name} is not the model of this run"),
    Code.NOTE_STORE_ELSEWHERE: marked("the MLflow record lies at {uri} and was not asked"),
    Code.NOTE_STORE_ABSENT: marked(
        "there is no MLflow record at {path}; its tags and aliases were not checked"
    ),
    Code.NOTE_UNFINISHED: marked("the run is not finished: {stages} not done"),
    Code.NOTE_NO_LAYERS: marked(
        "layers were not at hand: the trail was checked down to their hashes"
    ),
    Code.NOTE_NO_MAKER: marked("nobody is named as having made this run (`minerisk run … --by`)"),
    Code.NOTE_CODE_DIRTY: marked("made with code that had changes in no commit (after {commit})"),
    Code.NOTE_OTHER_CODE: marked("made with other code than this program's (commit {commit})"),
    Code.NOTE_OTHER_LOCK: marked("made with another requirements.lock than this program's"),
    Code.NOTE_REQUESTS: marked(
        "requests/ (rasters of areas asked for later) is not part of the trail"
    ),
    Code.NOTE_TRANSLATION: marked(
        "{name} is a translation and not part of the trail: report.html holds; make it anew with "
        "`minerisk report` to be sure of it"
    ),
}
