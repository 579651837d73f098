"""How resources stay and go: what is protected, what is retained, what another life takes over."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi

from .settings.model import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .deployed import Deployed
    from .settings import Settings

#: Inputs that are a name of ours, which AWS gives away once.
NAMES = ("name", "bucket", "alarm_name", "dashboard_name", "domain_name", "statement_id")
#: Types whose identity is made of others' names: the mapping of a path on a domain; and what a
#: repository has one of, so that the old one's deletion would take the new one along.
ONE_OF_A_KIND = (
    "aws:apigatewayv2/apiMapping:ApiMapping",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy",
)


@dataclass(frozen=True)
class Keeping:
    """What happens to the resources of a stack that leave it."""

    #: Whether the stack's data survives it.
    production: bool
    #: Whether the stack is being left: nothing is protected any more, and data is still retained.
    leaving: bool = False
    #: Identity of what an earlier life left behind, by the name of its resource.
    adopted: Mapping[str, str] = field(default_factory=dict)

    @property
    def protected(self) -> bool:
        """Return whether resources refuse to be deleted."""
        return self.production and not self.leaving

    def data(
        self, name: str, parent: pulumi.Resource, *, protect: bool = True, later: Sequence[str] = ()
    ) -> pulumi.ResourceOptions:
        """Return the options of a resource that holds data, or guards it.

        Args:
            name: of the resource.
            parent: the component that declares it.
            protect: whether it also refuses to be deleted; a guard goes where its resource goes.
            later: inputs that an adoption leaves to the next update: those that only a deletion
                reads, which AWS does not give back, and those that may have changed between lives.
        """
        identity = self.adopted.get(name)
        return pulumi.ResourceOptions(
            parent=parent,
            protect=protect and self.protected,
            retain_on_delete=self.production,
            import_=identity,
            ignore_changes=list(later) if identity else None,
        )

    def access(
        self, name: str, parent: pulumi.Resource, *, later: Sequence[str] = ()
    ) -> pulumi.ResourceOptions:
        """Return the options of a key or a secret.

        It is retained when the stack is left, and deleted when it is switched off.
        """
        options = self.data(name, parent, protect=False, later=later)
        options.retain_on_delete = self.leaving
        return options

    def protection(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """Return the options of a resource that answers or watches and never needs replacing."""
        return pulumi.ResourceOptions(parent=parent, protect=self.protected)


def keeping_of(settings: Settings, root: Path, deployed: Deployed) -> Keeping:
    """Return how this stack keeps its resources.

    What an earlier life left is adopted from the file that leaving wrote, until the state has it.

    Raises ConfigurationError if a stack that is not deployed is to be left, and if the file is not
    one that leaving wrote.
    """
    if settings.leaving:
        if not deployed.resources:
            raise BY_NAME["leaving"].error(
                "is set and nothing is deployed", "false for the first update"
            )
        return Keeping(settings.production, leaving=True)
    path = retained_file(root, settings.stack)
    if not settings.production or not path.is_file():
        return Keeping(settings.production)
    held = {name for _, name in deployed.resources}
    adopted = {
        name: identity for name, identity in _read(path, settings).items() if name not in held
    }
    if not adopted:
        pulumi.log.warn(f"{path.parent.name}/{path.name} was adopted: remove it")
    return Keeping(settings.production, adopted=adopted)


def retained_file(root: Path, stack: str) -> Path:
    """Return where leaving a stack writes what stays."""
    return root / "retained" / f"{stack}.json"


def _read(path: Path, settings: Settings) -> dict[str, str]:
    try:
        document = json.loads(path.read_text("utf-8"))
        stated = (document["project"], document["region"])
        resources = document["resources"]
        texts = [*resources.keys(), *resources.values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        stated, texts = ("", ""), [None]
    if stated != (settings.project_name, settings.region) or not all(
        isinstance(text, str) for text in texts
    ):
        problem = (
            f"retained/{path.name} was not written by leaving a stack of this project"
            " in this region"
        )
        raise BY_NAME["leaving"].error(problem, "the file as it was written, or none")
    return dict(resources)


def write_retained(
    root: Path, settings: Settings, resources: Sequence[tuple[str, pulumi.CustomResource]]
) -> None:
    """Write the identities of what stays when a stack is left, so that it can be adopted later."""

    def write(found: Mapping[str, str]) -> None:
        path = retained_file(root, settings.stack)
        path.parent.mkdir(exist_ok=True)
        document = {
            "project": settings.project_name,
            "region": settings.region,
            "resources": dict(found),
        }
        path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", "utf-8")

    if not pulumi.runtime.is_dry_run():
        pulumi.Output.all(**{name: resource.id for name, resource in resources}).apply(write)


def delete_first(
    args: pulumi.ResourceTransformationArgs,
) -> pulumi.ResourceTransformationResult | None:
    """Have what has a name of ours deleted before it is replaced, as AWS gives a name once."""
    named = any(args.props.get(name) is not None for name in NAMES)
    if not args.type_.startswith("aws:") or not (named or args.type_ in ONE_OF_A_KIND):
        return None
    first = pulumi.ResourceOptions(delete_before_replace=True)
    return pulumi.ResourceTransformationResult(
        args.props, pulumi.ResourceOptions.merge(args.opts, first)
    )
