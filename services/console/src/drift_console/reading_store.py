"""What a command ends with when the store that it reads does not answer."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from drift_contracts.exits import CannotStart

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = (
    "--table: expected the DynamoDB table of a stack (its output windowsTable), in the region and"
    " with the credentials of the environment; the request ended in {reason}"
)


BUCKET = (
    "--bucket: expected the bucket of a stack's prediction log (its output predictionsBucket), with"
    " the credentials of the environment; the request ended in {reason}"
)


@contextmanager
def reading_store(of_stack: str | None, refusal: str = TABLE) -> Iterator[None]:
    """Turn what a store fails with into the end of the command.

    Args:
        of_stack: A stack's table or bucket; None where the store is a file.
        refusal: What is said where AWS refuses, with `reason`.

    Raises:
        CannotStart: the store was refused, or does not answer.
    """
    from drift_monitor.errors import MonitorError  # noqa: PLC0415 - --help need not wait for it

    try:
        yield
    except (MonitorError, sqlite3.Error) as error:
        raise CannotStart(str(error)) from error
    except Exception as error:
        if of_stack is None or not _is_of_aws(error):
            raise
        raise CannotStart(refusal.format(reason=type(error).__name__)) from error


def _is_of_aws(error: Exception) -> bool:
    """Return whether the library that talks with AWS has raised an error, or AWS itself."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - of a stack alone

    return isinstance(error, BotoCoreError | ClientError)
