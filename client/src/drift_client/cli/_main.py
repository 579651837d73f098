"""The group of commands, its plug-ins and its exit codes."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import click
from drift_contracts.commands import Group
from drift_contracts.exits import CannotStart

from drift_client import Unreachable
from drift_client.cli._contracts import contracts
from drift_client.cli._predict import predict
from drift_client.cli._service import health, model
from drift_client.cli._watch import watch

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

#: The group of entry points by which other packages add commands.
PLUGINS = "driftctl.commands"
#: The way out where no service answers.
START = "`driftctl serve` starts a service, --url or DRIFT_URL names another"
EPILOG = """
Examples:

\b
  driftctl health                               is it there, and with which models
  driftctl predict --help                       what the model wants to know
  driftctl predict --bedrooms 3 --bathrooms 2 --sqft 2000 --age 10 --location-score 7
  driftctl watch                                drift and alarms of the local console, live
  driftctl contracts show prediction.request.v1

The service is http://127.0.0.1:8123 unless --url or the variable DRIFT_URL says otherwise.

Exit codes: 0 all is well, 1 a finding (drift found), 2 the usage is wrong or the input breaks its
contract (nothing was sent), 3 the service cannot be reached, 4 the service said no or its answer
breaks its contract, 5 a command cannot start, 70 a fault of ours; see docs/exit-codes.md.
"""


class Commands(Group):
    """The built-in commands and those that packages register under `driftctl.commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted({*super().list_commands(ctx), *entry_points(group=PLUGINS).names})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command by its name.

        A plug-in that cannot be loaded is returned as a command that reports it when it is called:
        it must not take the other commands along.
        """
        built_in = super().get_command(ctx, name)
        plugins = entry_points(group=PLUGINS)
        if built_in is not None or name not in plugins.names:
            return built_in
        try:
            command = plugins[name].load()
        except ModuleNotFoundError as error:
            return _broken(name, _missing(error, plugins[name]))
        except Exception as error:
            return _broken(name, type(error).__name__)
        if isinstance(command, click.Command):
            return command
        return _broken(name, "not a click command")

    def invoke(self, ctx: click.Context) -> object:
        """Call a command; a library that only its work needs may be missing too."""
        try:
            return super().invoke(ctx)
        except Unreachable as error:
            # A library's caller knows its service; somebody at a terminal may have none yet.
            raise Unreachable(
                error.operation, f"{error.reason}; {START}", error.attempts
            ) from error
        except ModuleNotFoundError as error:
            name = ctx.invoked_subcommand or ""
            plugins = entry_points(group=PLUGINS)
            library = (error.name or "").partition(".")[0]
            if name not in plugins.names or library.startswith("drift_"):
                raise
            reason = _missing(error, plugins[name])
            raise CannotStart(f"the command {name} cannot start: {reason}") from error


def _missing(error: ModuleNotFoundError, plugin: EntryPoint) -> str:
    """Return which library is not installed, and the extra that brings it if there is one."""
    library = (error.name or "").partition(".")[0]
    # a module of our own that is missing is a broken installation; no extra brings it.
    if not plugin.extras or plugin.dist is None or library.startswith("drift_"):
        return type(error).__name__
    extra = f"{plugin.dist.name}[{plugin.extras[0]}]"
    return f"the library {library} is not installed; the extra {extra} brings it"


def _broken(name: str, reason: str) -> click.Command:
    """Return a command that cannot start."""

    def fail() -> None:
        """Raise CannotStart."""
        raise CannotStart(f"the command {name} of another package cannot be loaded: {reason}")

    summary = f"(cannot be loaded: {reason})"
    return click.Command(name, callback=fail, short_help=summary, add_help_option=False)


@click.group(
    "driftctl",
    cls=Commands,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="drift-client", prog_name="driftctl")
def main() -> None:
    """Ask a drift-monitored prediction service, watch it, and read the contracts it keeps."""


for command in (contracts, health, model, predict, watch):
    main.add_command(command)
