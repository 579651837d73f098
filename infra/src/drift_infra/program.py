"""The program itself: settings, checks, stack, outputs, in this order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from .outputs import outputs
from .preflight import docker_answers, preflight
from .routes import routes, served
from .stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .settings import Settings


def run(settings: Settings, root: Path, docker: Callable[[], bool] = docker_answers) -> Stack:
    """Declare a stack and export its outputs; everything that can be refused is refused before the first resource."""
    plan = preflight(settings, root, docker)
    stack = Stack(plan, routes(served(settings.models)))
    for name, value in outputs(stack).items():
        pulumi.export(name, value)
    return stack
