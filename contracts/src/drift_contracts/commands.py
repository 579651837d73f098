"""Commands and groups of click that end with a code of docs/exit-codes.md; it needs click."""

from __future__ import annotations

from contextlib import contextmanager
from io import StringIO
from math import isfinite
from typing import TYPE_CHECKING, Any

import click

from drift_contracts.exits import FINDING, USAGE, ReaderGone, run, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


# Any, in this class: the signatures are those of click, which has no other types for them
class _Ending(click.Command):
    """What our commands and groups share: their exit codes, every missing option in one message."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command; alone it ends the process, otherwise what is raised passes through."""

        def call() -> Any:
            """Run the command as a part of another program."""
            main = super(_Ending, self).main
            return main(args, prog_name, complete_var, standalone_mode=False, **extra)

        if not standalone_mode:
            return call()
        return run(lambda: _exit_code(call), prog_name)

    def parse_args(
        self,
        ctx: click.Context,
        args: list[str],
    ) -> list[str]:
        """Parse as click does; name every value that is missing or wrong in one message."""
        # click takes the words out of the list as it reads them
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as error:
            raise click.UsageError("\n".join(_faults(self, ctx, words)), ctx) from error

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Make the context; the help that is printed here may meet a reader that went away."""
        with _broken_pipe_reported():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command; what it prints may meet a reader that went away."""
        with _broken_pipe_reported():
            return super().invoke(ctx)


@contextmanager
def _broken_pipe_reported() -> Iterator[None]:
    """Hide a broken pipe from click, which ends with 1 for it."""
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGone from error


class Command(_Ending):
    """A command that ends with a code of docs/exit-codes.md."""


class Group(_Ending, click.Group):
    """A group of such commands; what they raise ends here."""


class FiniteRange(click.FloatRange):
    """A range of numbers, without nan and infinity.

    click takes nan for a number of any range, because it compares with nothing.
    """

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number in a text. Raises BadParameter."""
        number: float = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail("expected a finite number", param, ctx)
        return number


def _faults(
    command: click.Command,
    ctx: click.Context,
    words: list[str],
) -> list[str]:
    """Return a sentence for all missing options and arguments, and one for each wrong value."""
    values, remaining, _ = command.make_parser(ctx).parse_args(words)
    missing: list[str] = []
    wrong: list[str] = []
    for param in command.get_params(ctx):
        try:
            param.handle_parse_result(ctx, values, remaining)
        except click.MissingParameter:
            missing.append(param.get_error_hint(ctx))
        except click.BadParameter as error:
            wrong.append(error.format_message())
    if not missing:
        return wrong
    noun = "option" if len(missing) == 1 else "options"
    return [f"Missing {noun} {', '.join(missing)}.", *wrong]


def _exit_code(call: Callable[[], Any]) -> int | None:
    """Run a command of click and return its code; its errors are shown as click shows them."""
    try:
        result = call()
    except click.Abort as error:
        # click makes Abort of Ctrl-C, and of an EOFError that a library raised as it read a file
        if error.__cause__ is not None:
            raise error.__cause__ from None
        raise KeyboardInterrupt from error
    except click.ClickException as error:
        message = StringIO()
        error.show(message)
        say(message.getvalue().rstrip())
        # FileError and the plain ClickException bring 1 along, which means a finding here
        return USAGE if error.exit_code == FINDING else error.exit_code
    return result if isinstance(result, int) else None
