"""What every file and view of a run says of itself: how the run stands, SIMULATED, one source."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.records.review import State

STATE_WORDS: Mapping[State, str] = {
    State.DRAFT: marked("DRAFT: nobody has approved this run"),
    State.REJECTED: marked("DRAFT: this run was reviewed and not approved"),
    State.APPROVED: "",
    State.WITHDRAWN: marked("WITHDRAWN: nothing of this run may be used"),
    State.UNVERIFIED: marked("DOES NOT VERIFY: nothing of this run may be used"),
}
SIMULATED = marked("SIMULATED findings: evidence of nothing real")
ONE_SOURCE = marked("one indirect source for desk assessment")
USE = marked(
    "One indirect source for desk assessment: it ranks land for survey and decides nothing."
)
STANDS = marked("It never says that land needs no survey. Registered areas stand as they are.")
MARK_COLUMNS: Final = ("run_state", "simulated", "source_kind")


@dataclass(frozen=True)
class Marks:
    """What a file of a run says of itself.

    Attributes
    ----------
    state
        How the run stands. What a stage writes is a draft: nobody can have approved it yet.
    simulated
        Whether the findings are.
    """

    state: State
    simulated: bool

    def words(self, texts: Texts = ENGLISH) -> tuple[str, ...]:
        """List the lines across the top of a page or map; none if approved, on real findings."""
        words = (texts.say(STATE_WORDS[self.state]), texts.say(SIMULATED) if self.simulated else "")
        return tuple(line for line in words if line)

    @property
    def run_state(self) -> str:
        """How the run stands, in a word or two: everything that is not approved is in capitals."""
        if self.state is State.REJECTED:
            return "DRAFT (rejected)"
        return self.state.value if self.state is State.APPROVED else self.state.value.upper()

    @property
    def sentences(self) -> str:
        """The marks before other words of a description, in English."""
        return "".join(f"{line}. " for line in self.words())

    @property
    def brief(self) -> str:
        """The marks in capitals, for a line that has other words too; none if there are none."""
        state = "" if self.state is State.APPROVED else self.run_state
        return " · ".join(word for word in (state, "SIMULATED" if self.simulated else "") if word)

    @property
    def tags(self) -> dict[str, str]:
        """What a raster says in its metadata."""
        return {
            "STATE": self.run_state,
            "FINDINGS": "SIMULATED" if self.simulated else "recorded",
        }

    @property
    def columns(self) -> dict[str, str | int]:
        """What every row of a table of the run bears, in English in every language."""
        kind = ONE_SOURCE + ("; SIMULATED findings" if self.simulated else "")
        values = (self.run_state, int(self.simulated), kind)
        return dict(zip(MARK_COLUMNS, values, strict=True))
