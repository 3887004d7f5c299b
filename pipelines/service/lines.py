"""Connections of the desk: how many one address may have, and how long a slow one is waited for.

Bodies are read, and answers are sent, in the event loop: whoever is slow holds no thread. What is
counted here is what they do hold, which is a connection.
"""

from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

LINES = 400
"""Connections at a time; whoever calls on one more is told to come again (503)."""
SPARE = 100
"""Connections beyond these, for that answer; one more is cut off unheard."""
OF_ONE = 100
"""Connections of one address; an office behind one address has six a browser."""
QUIET_S = 15.0
"""From the end of an answer, or the beginning, until the head of the next call is whole."""
TAKING_S = 60.0
"""For a client to take the 64 kB that wait for it."""
LOOK_S = 1.0


class Line(H11Protocol):
    """A connection that is cut off where uvicorn would wait for ever.

    uvicorn ends a silent line after an answer, but waits for the first call, for heads that come
    byte by byte, and for clients that do not take their answer.
    """

    of_one = OF_ONE
    _look: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:  # as uvicorn's, narrower than asyncio's
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        self._quiet_since = self._full_since = self.loop.time()
        if len(self.connections) > LINES + SPARE or self._of_this_one() > self.of_one:
            self.connections.discard(self)  # now, not when it has ended: others come meanwhile
            transport.abort()
            return
        self._look = self.loop.call_later(LOOK_S, self._cut_off_if_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop looking at a connection."""
        super().connection_lost(exc)
        if self._look is not None:
            self._look.cancel()

    def on_response_complete(self) -> None:
        """Begin to wait for the next call."""
        self._quiet_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Begin to wait for the client to take what is there."""
        self._full_since = self.loop.time()
        super().pause_writing()

    def _of_this_one(self) -> int:
        host = self.client[0] if self.client else None
        return sum(
            isinstance(each, Line) and each.client is not None and each.client[0] == host
            for each in self.connections
        )

    def _cut_off_if_late(self) -> None:
        if self.loop.time() > self._until():
            self.transport.abort()
            return
        self._look = self.loop.call_later(LOOK_S, self._cut_off_if_late)

    def _until(self) -> float:
        """Until when the client is waited for; a call that is being worked on is not theirs."""
        if self.flow.write_paused:
            return self._full_since + TAKING_S
        if self.cycle is not None and not self.cycle.response_complete:
            return float("inf")
        left = self.transport.get_write_buffer_size() > 0
        return self._quiet_since + (TAKING_S if left else QUIET_S)


class ProxyLine(Line):
    """A connection of a proxy, which has all of them and counts those of each address itself."""

    of_one = LINES
