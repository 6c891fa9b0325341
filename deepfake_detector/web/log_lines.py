"""How a line of the log looks, for this program and for gunicorn alike.

A line is one JSON object, or one line of text for a person at a terminal. Whatever a
message holds, it never becomes a second line: JSON escapes control characters, and so
does the text.
"""

import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from flask import g, has_app_context
from pythonjsonlogger.json import JsonFormatter

from deepfake_detector.config import ServeConfig

#: The fields of a line, in their order; those that have no value are left out. A field
#: that is not here is never written.
FIELDS: Final = (
    "time",
    "level",
    "logger",
    "message",
    "request_id",
    "method",
    "route",
    "status",
    "duration_ms",
    "request_bytes",
    "response_bytes",
    "address",
    "exception",
)

_RENAMED: Final = {
    "asctime": "time",
    "levelname": "level",
    "name": "logger",
    "exc_info": "exception",
}

#: Before each line of a traceback, so that none of them looks like one of the log.
_TRACEBACK_MARK: Final = "    | "


def start_logging(config: ServeConfig) -> None:
    """Write the log of this process to stderr; calling it again replaces the handler.

    Parameters
    ----------
    config : ServeConfig
        Its `log_format` and `log_addresses`.
    """
    handler = _Handler(config)
    gunicorn = logging.getLogger("gunicorn.error")
    for logger in (logging.getLogger(), gunicorn):
        for old in [h for h in logger.handlers if isinstance(h, _Handler)]:
            logger.removeHandler(old)
        logger.addHandler(handler)
    gunicorn.propagate = False
    for filter_ in [f for f in gunicorn.filters if isinstance(f, _GunicornFilter)]:
        gunicorn.removeFilter(filter_)
    gunicorn.addFilter(_GunicornFilter(config.log_addresses))
    logging.getLogger().setLevel(logging.INFO)
    logging.captureWarnings(True)


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]
    def __init__(self, config: ServeConfig) -> None:
        super().__init__(sys.stderr)
        as_text = config.log_format == "text" or (
            config.log_format == "auto" and sys.stderr.isatty()
        )
        self.setFormatter(_TextLines() if as_text else _JsonLines())
        self.addFilter(_add_request_id)


def _add_request_id(record: logging.LogRecord) -> bool:
    if not hasattr(record, "request_id"):
        record.request_id = g.get("request_id") if has_app_context() else None
    return True


def _time_of(record: logging.LogRecord) -> str:
    """ISO 8601, UTC, to the millisecond."""
    moment = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"


class _JsonLines(JsonFormatter):
    def __init__(self) -> None:
        fields: Sequence[str] = ("asctime", "levelname", "name", "message")
        super().__init__(fields, rename_fields=_RENAMED)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return _time_of(record)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {k: log_data[k] for k in FIELDS if log_data.get(k) is not None}


class _TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time_of(record)} {record.levelname} {record.name}: "
        line += record.getMessage()
        for name in ("request_id", "address"):
            if (value := getattr(record, name, None)) is not None:
                line += f" {name}={value}"
        lines = [_on_one_line(line)]
        if record.exc_info:
            traceback = self.formatException(record.exc_info).split("\n")
            lines += [_TRACEBACK_MARK + _on_one_line(part) for part in traceback]
        return "\n".join(lines)


def _on_one_line(text: str) -> str:
    r"""Show what is not printable as `\n`, `\x1b`, `\u202e` and so on."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )


class _GunicornFilter(logging.Filter):
    """Takes the visitor's words and address out of gunicorn's own lines."""

    def __init__(self, with_address: bool) -> None:
        super().__init__()
        self.with_address = with_address

    def filter(self, record: logging.LogRecord) -> bool:
        template = str(record.msg)
        if template.startswith("Invalid request from ip="):
            # It quotes what came. The error's class says as much, without the words.
            kind = sys.exc_info()[0]
            record.msg, record.args = "a request that is not HTTP was refused (%s)", ()
            record.args = (kind.__name__ if kind else "unknown",)
            if self.with_address:
                came = template.removeprefix("Invalid request from ip=")
                record.address = came.split(": ", maxsplit=1)[0]
        elif template.startswith("Error handling request"):
            record.msg, record.args = "Error handling request", ()
        return True
