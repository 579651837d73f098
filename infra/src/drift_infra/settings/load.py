"""From configuration text to checked Settings: the only reader of `pulumi.Config`'s values."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import config as pulumi_config

from .errors import ConfigurationError
from .model import BY_NAME, KEYS, Settings
from .rules import check, tier_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

STACK = r"[a-z][a-z0-9-]{0,15}"


def from_pulumi() -> Settings:
    """Return the settings of the stack that Pulumi is working on."""
    texts_by_name = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    secret = {name for name in texts_by_name if pulumi_config.is_config_secret(name)}
    return load(
        texts_by_name, stack=pulumi.get_stack(), project=pulumi.get_project(), secret=secret
    )


def load(
    texts_by_name: Mapping[str, str], *, stack: str, project: str, secret: Collection[str] = ()
) -> Settings:
    """Read settings from texts by full name (`project:key`, `aws:region`). Raises
    ConfigurationError.

    secret: the full names that are stored encrypted; a secret key that is not among them is
    refused.
    """
    if not re.fullmatch(STACK, stack):
        raise ConfigurationError(
            "stack",
            "has a name that resources cannot carry",
            "1 to 16 lower-case letters, digits and hyphens",
            "pulumi stack init NAME",
        )
    texts = _own(texts_by_name, project)
    # Any: as many types as there are kinds of key; Settings gives each field its own.
    values: dict[str, Any] = {
        key.field: key.parse(texts.get(key.name, key.default_text)) for key in KEYS
    }
    for key in KEYS:
        full = f"{project}:{key.name}"
        if key.secret and values[key.field] and full not in secret:
            raise key.error(
                "is a secret in plain text", f"{key.kind.allowed}, stored with --secret"
            )
    values["tier"] = tier_of(stack, values["tier"])
    settings = Settings(stack=stack, **values)
    check(settings)
    return settings


def _own(texts_by_name: Mapping[str, str], project: str) -> dict[str, str]:
    """Texts by key name.

    Keys of AWS's provider count as ours: a provider that a program makes itself hears none of them,
    so that one that is not handed on (an account, a role) would be ignored in silence. Keys of
    other providers are left alone.
    """
    ours = {
        name.removeprefix(f"{project}:"): text
        for name, text in texts_by_name.items()
        if name.startswith(f"{project}:")
    }
    texts = ours | {name: text for name, text in texts_by_name.items() if name.startswith("aws:")}
    for name in sorted(set(texts) - set(BY_NAME)):
        candidates = [
            key_name
            for key_name in BY_NAME
            if key_name.startswith("aws:") == name.startswith("aws:")
        ]
        near = difflib.get_close_matches(name, candidates, n=3, cutoff=0.5) or sorted(candidates)
        raise ConfigurationError(
            name,
            "is no key of this project",
            ", ".join(near),
            f"pulumi config rm {name}, then pulumi config set KEY VALUE",
        )
    return texts
