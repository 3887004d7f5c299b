"""Sentences that more than one page has, in the language of its reader."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minerisk.models.cautions import Caution, CautionCode
from minerisk.models.elsewhere.statement import LikeLand
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.gates import over_rule
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.results import Gate
from minerisk.models.folds.protocol import ProtocolName
from minerisk.models.survey_bias.facts import ReadingScores, Unsurveyed
from minerisk.pipelines.language.like_words import like_line
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.language.metric_words import (
    caution_words,
    gate_words,
    reading_words,
    splitter_words,
    unsurveyed_words,
)
from minerisk.pipelines.language.names import FINDS, MODELS, PROTOCOLS, family_name
from minerisk.pipelines.language.numbers import Kind
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.prioritize.words import families_words, verdicts, why
from minerisk.pipelines.records.metrics import HazardModel, Metrics, ProtocolScores
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.rasters import ClassRow, HazardComparison, RiskClasses
from minerisk.pipelines.records.review import FourEyes, Review, State, Verdict
from minerisk.pipelines.records.tasks import Capture, Lack, TaskReasons
from minerisk.pipelines.report.class_words import cut_words, interval_words, lower_words
from minerisk.pipelines.report.facts import Assessment
from minerisk.pipelines.report.quality import OverRule, Side
from minerisk.pipelines.report.tasks import TaskFacts, TaskRow
from minerisk.pipelines.run.hazards import HAZARD_TITLES

INTENDED: Sequence[str] = (
    marked(
        "The desk assessment of a non-technical survey (IMAS 08.10): one indirect source of "
        "information among others, named by its run."
    ),
    marked("Ranking land and survey tasks: where to survey first."),
    marked("Showing where the data do not support a statement (cannot say)."),
)
NOT_FOR: Sequence[str] = (
    marked("deciding that land needs no survey: lower means survey later"),
    marked("opening, closing, lowering or redrawing a registered hazardous area (SHA, CHA)"),
    marked("direct evidence, or cancelling or reducing land"),
    marked("any statement on land marked cannot say"),
    marked("finding the place of a single mine, or planning a route"),
    marked("land outside its study area, or evidence later than its date"),
)
LABEL_RULES: Sequence[str] = (
    marked("positive: a cell with evidence, weighted by the kind of evidence"),
    marked("negative by search: a cell that was surveyed and in which nothing was recorded"),
    marked("unlabelled: every other cell; never taken as negative"),
)
SIMULATED = marked(
    "SIMULATED findings: no accuracy may be claimed, nothing may be used in the field."
)
STALE = marked(
    "It grows stale with every find, survey result or new layer that it does not know, and with "
    "mines that move: `minerisk status` lists what changed since."
)
STATES: Mapping[State, str] = {
    State.DRAFT: marked("draft"),
    State.REJECTED: marked("reviewed, and not approved"),
    State.APPROVED: marked("approved"),
    State.WITHDRAWN: marked("withdrawn"),
    State.UNVERIFIED: marked("does not verify: use nothing of it"),
}
FOUR_EYES: Mapping[FourEyes, str] = {
    FourEyes.KEYS: marked("The run and its approval are signed with different keys."),
    FourEyes.NAMES: marked(
        "Maker and reviewer are told apart by the names they gave: the run was made without a key."
    ),
}
DECISIONS: Mapping[Verdict, str] = {
    Verdict.APPROVE: marked("approved"),
    Verdict.REJECT: marked("rejected"),
    Verdict.WITHDRAW: marked("withdrawn"),
}
SIDES: Mapping[Side, str] = {
    Side.BELOW: marked("too low"),
    Side.WITHIN: marked("within"),
    Side.ABOVE: marked("too high"),
}
OVER_RULE = marked(
    "The share that the model finds minus that of the rule, nearest known line or position first; "
    "90 % interval of the difference on the same draws of blocks. Suspected areas were drawn by "
    "people who knew the line, so what was really found is measured by itself too."
)
NO_SKILL = 0.5


@dataclass(frozen=True)
class Wording:
    """The sentences of a language.

    Attributes
    ----------
    texts
        The words of that language.
    """

    texts: Texts

    def interval(self, estimate: Estimate, kind: Kind = "number") -> str:
        """Return the interval of an estimate; empty where it has none."""
        return self.texts.interval(estimate.low, estimate.high, kind)

    def beside(self, estimate: Estimate) -> str:
        """Return a share with its interval in brackets."""
        ends = self.interval(estimate, "share")
        words = self.texts.number(estimate.value, "share")
        return f"{words} ({ends})" if ends else words

    def shown(self, value: float, form: str) -> str:
        """Return a number in a format of Python, thousands apart as the language has them."""
        return self.texts.say(f"{{value:{form}}}", value=value)

    def amount(self, value: float) -> str:
        """Return a number with as many digits as its size needs."""
        return self.texts.number(value, "amount")

    def family(self, family: str) -> str:
        """Return the name of a family of features."""
        return self.texts.say(family_name(family))

    def moment(self, at: str) -> str:
        """Return a date and time, which the trail has in ISO 8601 and UTC."""
        return self.texts.day(at)

    def splitter(self, protocol: ProtocolScores) -> str:
        """Describe how a protocol holds land out."""
        return splitter_words(protocol.splitter, protocol.until, self.texts)

    def gate(self, gate: Gate) -> str:
        """Describe a gate."""
        return gate_words(gate.name, self.texts)

    def gates(self, gates: Sequence[Gate]) -> str:
        """List gates."""
        return "; ".join(self.gate(gate) for gate in gates)

    def reading(self, reading: ReadingScores) -> str:
        """Name a reading of the labels."""
        return reading_words(reading, self.texts)

    def unsurveyed(self, found: Unsurveyed) -> str:
        """Sum up what surveyed land shows of unsurveyed land."""
        return unsurveyed_words(found, self.texts)

    def review(self, review: Review) -> str:
        """Report a decision: what, by whom, when and why."""
        return self.texts.say(
            "{decision} by {by} on {at}: {note}",
            decision=self.texts.say(DECISIONS[review.decision]),
            by=review.by,
            at=self.moment(review.at),
            note=review.note,
        )

    def applicability(self, found: Assessment) -> list[str]:
        """Describe where the model can be applied."""
        return [
            self.texts.say(
                "It can be applied to {share:share} of the study area; elsewhere it cannot say.",
                share=found.metrics.applicable_share,
            ),
            self.texts.say(
                "Nearness to the training land in feature space decides (area of applicability, "
                "Meyer and Pebesma 2021, doi:10.1111/2041-210X.13650)."
            ),
            self.texts.say(
                "The interval is that of the calibrated probability; its cover was tested on land "
                "held out."
            ),
        ]

    def against_rule(self, metrics: Metrics) -> list[str]:
        """Say, far and near, whether the model beats the plain rule beyond their difference."""
        return [
            words
            for name in (ProtocolName.FAR, ProtocolName.NEAR)
            if (words := self._against_rule(metrics, name))
        ]

    def _against_rule(self, metrics: Metrics, name: ProtocolName) -> str:
        minus = over_rule(metrics.comparison.get(name, {}))
        if minus is None or minus.low is None or minus.high is None:
            return ""
        values = {
            "where": self.texts.say(PROTOCOLS[name]),
            "rule": self.texts.say(MODELS[ModelName.DISTANCE_RULE]),
            "minus": self.beside(minus),
        }
        if minus.low > 0:
            words = marked(
                "{where}: it beats the plain rule, {rule}, beyond the interval of the difference, "
                "{minus} of the finds in the first 20 % of land."
            )
        elif minus.high < 0:
            words = marked(
                "{where}: it is beaten by the plain rule, {rule}; the difference is {minus} of "
                "the finds in the first 20 % of land. Use the rule."
            )
        else:
            words = marked(
                "{where}: it does not beat the plain rule, {rule}, beyond the interval of the "
                "difference, {minus} of the finds in the first 20 % of land."
            )
        return self.texts.say(words, **values)

    def like(self, found: LikeLand) -> str:
        """Say how good the map is on land like this, or why that cannot be said."""
        return like_line(found, self.texts)

    def kind(self, row: OverRule) -> str:
        """Name what is found: all positives, or a kind of find and how many cells hold it."""
        if row.evidence is None or row.cells is None:
            return self.texts.say("all positives")
        return self.texts.say(
            "{kind} ({cells:count} cells)",
            kind=self.texts.say(FINDS[row.evidence]),
            cells=row.cells,
        )

    def tasks_by(self, layer: str) -> str:
        """Say which layer of the run survey tasks go by."""
        title = self.texts.lowered(self.texts.say(HAZARD_TITLES[layer]))
        return self.texts.say("Survey tasks go by the layer: {layer}.", layer=title)

    def reason(self, tasks: TaskFacts | None, found: Assessment) -> str:
        """Say what puts the first task where it is, or what the whole ranking leans on."""
        first = tasks.ranked.rows[0] if tasks is not None and tasks.ranked.rows else None
        reasons = None if tasks is None or first is None else tasks.reasons(first)
        if first is not None and reasons is not None and reasons.raised_by:
            families = families_words(reasons.raised_by, self.texts)
            return self.texts.say(
                "{task} is raised most by {families}.", task=first.task, families=families
            )
        leaning = [row for row in found.metrics.importance if row.drop > 0][:2]
        if not leaning:
            return self.texts.say("What the ranking leans on was not measured.")
        names = tuple(self.family(row.family) for row in leaning)
        return self.texts.say("The ranking leans most on: {families}.", families=names)

    def classes_cut(self, known: RiskClasses) -> str:
        """Say by what classes are cut, and how well the intervals of what they hold do."""
        return f"{cut_words(known, self.texts)} {interval_words(known, self.texts)}"

    def lower_holds(self, rows: tuple[ClassRow, ...]) -> str:
        """Say what the class of lower holds."""
        return lower_words(rows, self.texts)

    def verdict(self, found: Assessment) -> str:
        """Sum up in a sentence how the model compares with the distance rule on unseen land."""
        mine, rule = found.model.found_in_top_20.value, None
        if found.rule is not None:
            rule = found.rule.found_in_top_20.value
        if mine is None:
            return self.texts.say("How good the model is on unseen land was not measured.")
        if rule is None:
            return self.texts.say(
                "On regions it had never seen, the 20 % of land it puts first held {share:share} "
                "of the contaminated cells; land picked at random would hold 20 %. The distance "
                "rule was not measured.",
                share=mine,
            )
        words = self.texts.say(
            "On regions it had never seen, the 20 % of land it puts first held {share:share} of "
            "the contaminated cells; land picked at random would hold 20 %, the distance rule "
            "{rule:share}.",
            share=mine,
            rule=rule,
        )
        return f"{words} {self._advice(mine, rule)}".rstrip()

    def _advice(self, mine: float, rule: float) -> str:
        if mine > max(rule, 0.2):
            return ""
        if rule > 0.2:
            return self.texts.say(
                "Here the model is no better than the rule of thumb: use the rule."
            )
        return self.texts.say("Neither is of use here: do not survey in this order.")

    def failures(self, found: Assessment) -> list[str]:
        """List where the model was tested and failed."""
        lines = [
            self.texts.say(
                "gate not passed: {gate} (value {value}, agreed {threshold})",
                gate=gate_words(gate.name, self.texts),
                value=gate.value,
                threshold=gate.threshold,
            )
            for gate in found.metrics.failed_gates
        ]
        lines += [
            self.texts.say(
                "region {region}: no better than chance when left out (ROC-AUC {score})",
                region=row.region,
                score=row.roc_auc,
            )
            for row in found.metrics.regions
            if row.roc_auc is not None and row.roc_auc <= NO_SKILL
        ]
        for row in found.regions:
            if row.side is Side.BELOW:
                lines.append(
                    self.texts.say("region {region}: predicts too little when left out",
                                   region=row.region)
                )  # fmt: skip
            elif row.side is Side.ABOVE:
                lines.append(
                    self.texts.say("region {region}: predicts too much when left out",
                                   region=row.region)
                )  # fmt: skip
        return [
            *lines,
            *self.cautions(found.metrics.cautions),
            self.texts.say(
                "unrecorded laying, moved mines and items below the cell size leave no trace"
            ),
        ]

    def cautions(self, cautions: Sequence[Caution]) -> list[str]:
        """Word what to be careful about; what several features have in common is said once."""
        alike: dict[CautionCode, list[Caution]] = defaultdict(list)
        for caution in cautions:
            alike[caution.code].append(caution)
        return [self._gathered(first, others) for first, *others in alike.values()]

    def _gathered(self, first: Caution, others: Sequence[Caution]) -> str:
        words = caution_words(first, self.texts)
        names = tuple(other.feature for other in others if other.feature is not None)
        if not names:
            return words
        others_words = self.texts.say("The same holds for: {features}.", features=names)
        return f"{words} {others_words}"

    def hazard_model(self, model: HazardModel) -> str:
        """Report whether there is a model of a hazard class, and why not."""
        if model.least is not None:
            return self.texts.say(
                "no model: {positive} positive and {negative} negative cells, expected at least "
                "{least} of each (gates.min_positive_cells). Findings of unknown class count for "
                "any hazard only; hazard_column in labels.positive names the class.",
                positive=model.positive,
                negative=model.negative,
                least=model.least,
            )
        if model.error is not None:
            return self.texts.say("no model: {reason}", reason=model.error)
        if model.gates_passed:
            return self.texts.say("gates passed")
        return self.texts.say("does not pass every gate")

    def above_any(self, hazard: str, compared: HazardComparison) -> str:
        """Warn where the probability of a class is above that of any hazard; else empty."""
        if not compared.above_any:
            return ""
        return self.texts.say(
            "{hazard}: in {share} of the cells the probability is above that of any hazard by "
            "more than a tenth of it. The models are calibrated apart and neither is changed to "
            "fit: go by the higher of the two.",
            hazard=self.texts.say(HAZARD_TITLES[hazard]),
            share=self.texts.number(compared.above_any, "share"),
        )

    def bands(self, count: int) -> str:
        """Report how far the order of tasks can be trusted, and how to choose."""
        if count <= 1:
            return self.texts.say(
                "The ranked tasks are one band: they cannot be told apart, and their order is no "
                "better than a draw. Choose among them by access and need."
            )
        return self.texts.say(
            "The ranked tasks are {bands} bands. Tasks of one band cannot be told apart: begin "
            "with band 1, and within a band choose by access and need.",
            bands=count,
        )

    def compared(self, found: Capture) -> list[str]:
        """Report against which rules of thumb tasks find more, and against which less."""
        return verdicts(found, self.texts)

    def why(self, reasons: TaskReasons, missing: Sequence[Notice[Lack]]) -> str:
        """Report why a task is where it is, how sure that is, and what is missing."""
        return why(reasons, missing, self.texts)

    def why_of(self, tasks: TaskFacts, task: TaskRow) -> str:
        """Report why a task is where it is; nothing where that is kept back."""
        reasons = tasks.reasons(task)
        if reasons is None or tasks.file is None:
            return ""
        return self.why(reasons, tasks.file.missing)
