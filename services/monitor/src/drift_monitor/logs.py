"""Write the monitor's own log: one JSON object a line, from the level that the stack asks for.

Metrics are no part of it: they are written whatever the level.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from drift_contracts.metric_lines import json_text
from drift_contracts.timestamps import utc_text_of_seconds

if TYPE_CHECKING:
    from typing import TextIO

LOGGER = "drift_monitor"


class JsonLines(logging.Formatter):
    """Formats a record as the predictor's log lines are: timestamp, level and message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line = {
            "timestamp": utc_text_of_seconds(record.created),
            "level": record.levelname,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json_text(line)


def configure_log(
    level: str,
    stream: TextIO | None = None,
) -> logging.Handler:
    """Send what the monitor logs to a stream, once however often this is called.

    Args:
        level: the least level that is written: DEBUG, INFO, WARNING or ERROR.
        stream: standard error if None.

    Returns:
        The handler that was installed.
    """
    logger = logging.getLogger(LOGGER)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    logger.handlers = [handler]
    logger.setLevel(level)
    # Lambda's runtime has a handler at the root, which would write every line a second time.
    logger.propagate = False
    return handler
