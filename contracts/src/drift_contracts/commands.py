"""Commands and groups of click that end through the door of `drift_contracts.exits`; it needs click."""

from __future__ import annotations

from contextlib import contextmanager
from io import StringIO
from math import isfinite
from typing import TYPE_CHECKING, Any

import click

from drift_contracts.exits import FINDING, USAGE, ReaderGone, run, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class _Door(click.Command):
    """What our commands and groups share: codes of docs/exit-codes.md, every missing option in one message."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command; alone it ends the process, otherwise what is raised passes through."""

        def inside() -> Any:
            return super(_Door, self).main(args, prog_name, complete_var, standalone_mode=False, **extra)

        if not standalone_mode:
            return inside()
        return run(lambda: _clicked(inside), prog_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does; where a value is missing or wrong, name every such value in one message."""
        words = list(args)  # click takes the words out of the list as it reads them
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
        with _piped():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command; what it prints may meet a reader that went away."""
        with _piped():
            return super().invoke(ctx)


@contextmanager
def _piped() -> Iterator[None]:
    """Hide a broken pipe from click, which ends with 1 for it."""
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGone from error


class Command(_Door):
    """A command that ends with a code of docs/exit-codes.md."""


class Group(_Door, click.Group):
    """A group of such commands; what they raise ends here."""


class FiniteRange(click.FloatRange):
    """A range of numbers; what compares with nothing (nan) is in no range, and infinity in none that is open."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number in a text. Raises BadParameter."""
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail("expected a finite number", param, ctx)
        return number


def _faults(command: click.Command, ctx: click.Context, words: list[str]) -> list[str]:
    """Return a sentence for all missing options and arguments, and one for each wrong value."""
    given_values, rest, _ = command.make_parser(ctx).parse_args(words)
    missing, wrong = [], []
    for param in command.get_params(ctx):
        try:
            param.handle_parse_result(ctx, given_values, rest)
        except click.MissingParameter:
            missing.append(param.get_error_hint(ctx))
        except click.BadParameter as error:
            wrong.append(error.format_message())
    noun = "option" if len(missing) == 1 else "options"
    return [*([f"Missing {noun} {', '.join(missing)}."] if missing else []), *wrong]


def _clicked(inside: Any) -> int | None:
    """Run a command of click and return its code; its errors are shown as click shows them."""
    try:
        result = inside()
    except click.Abort as error:
        # click makes Abort of Ctrl-C, and of an EOFError that some library raised while it read a file
        if error.__cause__ is not None:
            raise error.__cause__ from None
        raise KeyboardInterrupt from error
    except click.ClickException as error:
        shown = StringIO()
        error.show(shown)
        say(shown.getvalue().rstrip())
        # FileError and the plain ClickException bring 1 along, which means a finding here
        return USAGE if error.exit_code == FINDING else error.exit_code
    return result if isinstance(result, int) else None
