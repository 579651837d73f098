"""The option of whoever asks a service: as nobody, signed with AWS credentials, or with a token."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from drift_contracts.environment import AUTH

from drift_client._auth import KINDS, authorized

if TYPE_CHECKING:
    import httpx


def _choose(context: click.Context, _option: click.Parameter, kind: str) -> None:
    context.meta[AUTH] = kind


auth_option = click.option(
    "--auth",
    type=click.Choice(KINDS),
    default=KINDS[0],
    envvar=AUTH,
    show_default=True,
    show_envvar=True,
    expose_value=False,
    is_eager=True,
    callback=_choose,
    help="Who asks: iam signs with the AWS credentials at hand, jwt sends DRIFT_TOKEN.",
)


def chosen_auth(url: str) -> httpx.Auth | None:
    """Return what `--auth` asks for, None where it asks for nothing.

    Raises:
        click.BadParameter: Credentials, region or token are missing.
        click.UsageError: What signs is not installed; the message names the extra.
    """
    context = click.get_current_context(silent=True)
    kind = KINDS[0] if context is None else context.meta.get(AUTH, KINDS[0])
    try:
        return authorized(kind, url, os.environ)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--auth") from None
    except ModuleNotFoundError:
        missing = "--auth iam: botocore is not installed; pip install 'drift-client[aws]' brings it"
        raise click.UsageError(missing) from None
