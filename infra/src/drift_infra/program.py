"""The program itself: settings, checks, stack, outputs, in this order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from .deployed import read_deployed
from .naming import Names
from .outputs import outputs
from .preflight import choose_image, docker_answers, preflight
from .published import published
from .routes import routes, served
from .stack import Stack, provider_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .settings import Settings


def run(settings: Settings, root: Path, docker: Callable[[], bool] = docker_answers) -> Stack:
    """Declare a stack and export its outputs.

    Everything that can be refused is refused before the first resource.
    """
    plan = preflight(settings, root, read_deployed())
    provider = provider_of(settings)
    repository = Names(settings.project_name, settings.stack).of("image")
    plan = choose_image(plan, lambda tag: published(repository, tag, provider), docker)
    stack = Stack(plan, routes(served(settings.models)), provider)
    for name, value in outputs(stack).items():
        pulumi.export(name, value)
    return stack
