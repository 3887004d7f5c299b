"""How fast one caller may call: a bucket that refills."""

import threading
import time
from collections import OrderedDict

MOST_CALLERS = 20_000


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
