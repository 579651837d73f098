"""The repository and the image in it; everything downstream gets a digest, never a tag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pulumi
import pulumi_docker as docker
from pulumi_aws import ecr

from drift_infra.lifecycle import trials_only

if TYPE_CHECKING:
    from drift_infra.naming import Site

PLATFORMS = {"arm64": "linux/arm64", "x86_64": "linux/amd64"}


@dataclass(frozen=True)
class Build:
    """How to build the image here, all of it a function of the content.

    Paths are relative to the program's folder: an absolute one would be a change on every machine.
    """

    #: Folder of the staged files.
    context: str
    dockerfile: str
    #: Of the content, so that an equal build has the same.
    tag: str
    #: Of the Dockerfile, by name.
    arguments: dict[str, str]


@dataclass(frozen=True)
class ImageArgs:
    """The image of a stack: one that exists, one to build, or both if the state has the build."""

    site: Site
    #: Lambda's name of the processor: "arm64" or "x86_64".
    architecture: str
    #: What to build, or what was built here before and has not changed.
    build: Build | None
    #: A digest in this repository, an image with one of its own, or "" for what `build` gives.
    digest: str


class Image(pulumi.ComponentResource):
    """A repository whose tags never move, and `uri`: the image by digest."""

    uri: pulumi.Output[str]
    digest: pulumi.Output[str]

    def __init__(
        self, name: str, args: ImageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:Image", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.repository = self._repository(name, args.site)
        built = self._built(name, args.architecture, args.build) if args.build else None
        if built is not None and not args.digest:
            self.uri = _detached(built.repo_digest)
        elif "@" in args.digest:
            self.uri = pulumi.Output.from_input(args.digest)
        else:
            self.uri = pulumi.Output.concat(self.repository.repository_url, "@", args.digest)
        self.digest = self.uri.apply(lambda uri: uri.rpartition("@")[2])
        self.register_outputs({"uri": self.uri, "repository_url": self.repository.repository_url})

    def _repository(self, name: str, site: Site) -> ecr.Repository:
        repository = ecr.Repository(
            f"{name}-repository",
            name=site.names.of("image"),
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=ecr.RepositoryImageScanningConfigurationArgs(
                scan_on_push=True
            ),
            encryption_configurations=[
                ecr.RepositoryEncryptionConfigurationArgs(encryption_type="AES256")
            ],
            force_delete=not site.keeping.protected,  # images are made again from their content
            opts=site.keeping.protection(self),
        )
        ecr.LifecyclePolicy(
            f"{name}-lifecycle", repository=repository.name, policy=trials_only(), opts=self._child
        )
        return repository

    def _built(self, name: str, architecture: str, build: Build) -> docker.Image:
        def login(registry: str) -> ecr.AwaitableGetAuthorizationTokenResult:
            return ecr.get_authorization_token(
                registry_id=registry, opts=pulumi.InvokeOptions(parent=self)
            )

        token = self.repository.registry_id.apply(login)
        return docker.Image(
            f"{name}-image",
            image_name=pulumi.Output.concat(self.repository.repository_url, ":", build.tag),
            build=docker.DockerBuildArgs(
                context=build.context,
                dockerfile=build.dockerfile,
                platform=PLATFORMS[architecture],
                args=build.arguments,
                builder_version=docker.BuilderVersion.BUILDER_BUILD_KIT,
            ),
            registry=docker.RegistryArgs(
                server=self.repository.repository_url,
                username=token.apply(lambda one: one.user_name),
                password=pulumi.Output.secret(token.apply(lambda one: one.password)),
            ),
            opts=self._child,
        )


def _detached(output: pulumi.Output[str]) -> pulumi.Output[str]:
    """Return an output that is waited for as before, but ties nobody to its resource.

    The state would refuse to forget the build while functions depend on it, and a machine without
    Docker could never get rid of it; the image itself stays in the repository either way.
    """

    async def value() -> str:
        return cast("str", await output.future(with_unknowns=True))

    return pulumi.Output(set(), value(), output.is_known(), output.is_secret())
