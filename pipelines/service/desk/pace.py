"""How fast one caller may call: a bucket that refills; and what was noted a while ago."""

import threading
import time
from collections import OrderedDict

MOST_CALLERS = 20_000
MOST_NOTED = 20_000
NOTED_S = 600.0


class Pace:
    """Buckets of calls, one a caller; the longest unused is given up where there are many."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_for(self, who: str, a_minute: int) -> float:
        """Take a call out of a bucket; return the seconds to wait where it is empty, else 0."""
        now = time.monotonic()
        with self._lock:
            left, at = self._left.pop(who, (float(a_minute), now))
            left = min(float(a_minute), left + (now - at) * a_minute / 60)
            taken = left >= 1
            self._left[who] = (left - 1 if taken else left, now)
            if len(self._left) > MOST_CALLERS:
                self._left.popitem(last=False)
            return 0.0 if taken else (1 - left) * 60 / a_minute


class Recent:
    """What was noted within ten minutes: a file that is read in parts is one line of the log."""

    def __init__(self) -> None:
        self._noted: OrderedDict[tuple[str, ...], float] = OrderedDict()
        self._lock = threading.Lock()

    def is_new(self, *what: str) -> bool:
        """Tell whether something was not noted within ten minutes, and note it."""
        now = time.monotonic()
        with self._lock:
            before = self._noted.get(what)
            if before is not None and now - before < NOTED_S:
                return False
            self._noted.pop(what, None)
            self._noted[what] = now
            if len(self._noted) > MOST_NOTED:
                self._noted.popitem(last=False)
            return True
