"""What a desk tells its operator: lines of JSON, of who was refused what, and never of findings."""

import json
import logging
import sys
import traceback

from fastapi import Request

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.provenance.clock import time_of
from minerisk.pipelines.service.desk.desk import Caller
from minerisk.plain_text import plain_message

SECURITY = logging.getLogger("minerisk.security")
"""What was refused; the access log in the database tells what was done."""

EVERY_DAY = (DeskCode.NOT_SIGNED_IN, DeskCode.NOT_FOUND, DeskCode.RESULT_NOT_READY)


class LineOfJson(logging.Formatter):
    """Makes a line of JSON of a record; of an exception its kind and place, not what it quotes."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        at = time_of(record.created)
        line = {
            "at": at.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "from": record.name,
            "process": str(record.process),
            "message": plain_message(record.getMessage()),
        }
        kind, _, trace = record.exc_info or (None, None, None)
        if kind is not None:
            frames = traceback.extract_tb(trace)
            line["exception"] = kind.__name__
            line["stack"] = " > ".join(f"{each.filename}:{each.lineno}" for each in frames[-12:])
        return json.dumps(line, ensure_ascii=False)


def keep_logs(level: str) -> None:
    """Write lines of JSON, unless somebody looks at a terminal."""
    root = logging.getLogger()
    root.setLevel(level)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if not sys.stderr.isatty():
        handler = logging.StreamHandler()
        handler.setFormatter(LineOfJson())
        root.handlers[:] = [handler]


def tell_refusal(request: Request, status: int, code: DeskCode) -> None:
    """Tell who was refused what: the address as it is written in the table, without its values."""
    caller = getattr(request.state, "caller", None)
    name = caller.name if isinstance(caller, Caller) else None
    route = request.scope.get("route")
    SECURITY.log(
        logging.INFO if code in EVERY_DAY else logging.WARNING,
        "refused %s %s to %s at %s: %s (%d)",
        request.method,
        getattr(route, "path", "an address that there is not"),
        name or "nobody",
        request.client.host if request.client else "a socket",
        code,
        status,
    )
