"""What the stack had before this update, by its own state: some choices depend on it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    #: A resource's outputs. Any: as many types as Pulumi has resources.
    Outputs = Mapping[str, Any]

#: What the engine says of a checkpoint that it cannot read.
HALF_WRITTEN = "failed to load checkpoint"
TRIES, WAIT = 30, 0.1


@dataclass(frozen=True)
class Deployed:
    """The resources of the last finished update, by type and name; empty before the first."""

    #: Outputs of each resource, by type and logical name.
    resources: Mapping[tuple[str, str], Outputs] = field(default_factory=dict)
    #: Pulumi's identity of each resource, by type and logical name.
    urns: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def output(self, kind: str, name: str, output: str) -> Any:
        """Return an output of a resource as the state has it, None where there is none."""
        return self.resources.get((kind, name), {}).get(output)

    def of(self, kind: str) -> Iterator[tuple[str, Outputs]]:
        """Yield name and outputs of every resource of a type."""
        for (found_kind, name), outputs in self.resources.items():
            if found_kind == kind:
                yield name, outputs


def read_deployed() -> Deployed:
    """Return what the state of this stack holds before the update.

    The engine answers both questions itself. The second is asked only of a stack that has finished
    an update: the engine breaks on the resources of a stack that has no state yet.
    """
    # A backend without organizations calls its only one by this word.
    organization = pulumi.get_organization() or "organization"
    stack = f"{organization}/{pulumi.get_project()}/{pulumi.get_stack()}"
    if not _ask("pulumi:pulumi:readStackOutputs", {"name": stack}):
        return Deployed()
    outputs = _ask("pulumi:pulumi:readStackResourceOutputs", {"stackName": stack})
    resources, urns = {}, {}
    for urn, resource in outputs.items():
        address = (urn.split("::")[2].rpartition("$")[2], urn.split("::")[3])
        resources[address] = resource.get("outputs") or {}
        urns[address] = urn
    return Deployed(resources, urns)


def _ask(question: str, about: Mapping[str, object]) -> Outputs:
    """Return the outputs that the engine answers with.

    It writes the state while the program begins, and in a backend that is a folder the state is
    half written for a moment: one that cannot be read is asked for again, three seconds at most.
    """
    answer: Outputs | None = None
    for tries_left in reversed(range(TRIES)):
        try:
            answer = pulumi.runtime.invoke(question, about).value
            break
        except Exception as error:  # the SDK has no type of its own for it
            if HALF_WRITTEN not in str(error) or not tries_left:
                raise
            time.sleep(WAIT)
    outputs: Outputs = (answer or {}).get("outputs") or {}
    return outputs
