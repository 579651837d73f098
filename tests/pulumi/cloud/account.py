"""An AWS account that keeps what is made in it and refuses what AWS refuses."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from . import rules
from .kinds import ANSWERS_SAME, MADE_UP, OWN_NAME, kind_of, short
from .outputs import ACCOUNT, REGION, arn_of, outputs
from .refusals import Refused

#: Ids that are more than the name.
IDS = {
    "sns/topic:Topic": "arn:aws:sns:{region}:{account}:{name}",
    "secretsmanager/secret:Secret": "arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbCdEf",
    "sqs/queue:Queue": "https://sqs.{region}.amazonaws.com/{account}/{name}",
}
UNPUBLISHED = {"reservedConcurrentExecutions", "tags", "tagsAll", "publish"}


@dataclass
class Thing:
    """One resource as AWS has it."""

    token: str
    id: str
    inputs: dict
    state: dict


@dataclass
class Version:
    """A published version of a function: what it was published with, and whether a start was seen to fail."""

    inputs: dict
    failed: bool = False

    @property
    def image(self) -> str:
        """The image that it runs."""
        return str(self.inputs.get("imageUri", ""))


@dataclass
class Account:
    """Everything that outlives an update; a test plants faults and people in it.

    broken: images whose functions do not start. leaving: ids that are taken until AWS forgets them.
    """

    things: dict[tuple[str, str], Thing] = field(default_factory=dict)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    versions: dict[str, dict[int, Version]] = field(default_factory=dict)
    images: dict[str, dict[str, str]] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    leaving: set[tuple[str, str]] = field(default_factory=set)
    objects: Counter = field(default_factory=Counter)
    queries: Counter = field(default_factory=Counter)
    mails: Counter = field(default_factory=Counter)
    confirmed: set[str] = field(default_factory=set)
    made: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __getstate__(self) -> dict:
        """Return the account without its lock, for a copy."""
        return {name: value for name, value in self.__dict__.items() if name != "lock"}

    def __setstate__(self, state: dict) -> None:
        """Restore a copy with a lock of its own."""
        self.__dict__.update(state, lock=threading.RLock())

    def of(self, kind: str) -> list[Thing]:
        """Return the things of one kind: `account.of("lambda/alias:Alias")`."""
        return [thing for (there, _), thing in self.things.items() if there == kind]

    def get(self, kind: str, identity: str) -> Thing | None:
        """Return one thing, or None."""
        return self.things.get((kind, identity))

    def create(self, token: str, inputs: dict) -> Thing:
        """Make a resource. Raises Refused where AWS would."""
        with self.lock:
            kind, what = kind_of(token), short(token)
            identity = self._identity(token, inputs)
            there = self.get(what, identity)
            if (what, identity) in self.leaving:
                raise Refused(f"{kind.error}: {identity} is scheduled for deletion", rules.LEAVING)
            if there and kind.second == OWN_NAME:
                raise Refused(f"{kind.error}: {identity} exists", rules.TAKEN)
            if there and kind.second == ANSWERS_SAME:
                self._note("found", what, identity)
                return there
            rules.before(self, what, identity, inputs)
            if what == "lambda/function:Function":
                self._publish(identity, inputs)
            thing = Thing(token, identity, inputs, self._state(token, identity, inputs))
            self.things[what, identity] = thing
            self._note("create", what, identity)
            rules.after_create(self, what, thing)
            return thing

    def update(self, token: str, identity: str, inputs: dict) -> Thing:
        """Change a resource in place. Raises Refused."""
        with self.lock:
            what = short(token)
            thing = self.get(what, identity)
            if thing is None:
                raise Refused(f"ResourceNotFoundException: {what} {identity}", rules.MISSING)
            rules.before(self, what, identity, inputs)
            if what == "lambda/function:Function" and new_version(thing.inputs, inputs):
                self._publish(identity, inputs)
            thing.inputs = inputs
            thing.state = self._state(token, identity, inputs)
            self._note("update", what, identity)
            return thing

    def delete(self, token: str, identity: str) -> None:
        """End a resource; one that is gone already is no error, as in the provider. Raises Refused."""
        with self.lock:
            what = short(token)
            thing = self.get(what, identity)
            if thing is None:
                return
            rules.before_delete(self, what, thing)
            del self.things[what, identity]
            self._note("delete", what, identity)
            rules.after_delete(self, what, thing)

    def push(self, repository: str, tag: str, digest: str) -> None:
        """Put an image into a repository. Raises Refused for a tag that is there."""
        with self.lock:
            tags = self.images.setdefault(repository, {})
            thing = self.get("ecr/repository:Repository", repository)
            immutable = thing is not None and thing.inputs.get("imageTagMutability") == "IMMUTABLE"
            if tag in tags and immutable:
                message = f"tag invalid: The image tag '{tag}' already exists in the '{repository}' repository"
                raise Refused(f"{message} and cannot be overwritten because the repository is immutable", rules.TAG)
            tags[tag] = digest
            self.digests.add(digest)
            self._note("push", repository, tag)

    def start(self, function: str, version: str) -> None:
        """Start a version, as a call or a warm instance does. Raises Refused where it does not come up."""
        published = self.versions[function][int(version)]
        if published.image in self.broken:
            published.failed = True
            raise Refused(f"FUNCTION_ERROR_INIT_FAILURE: {function}:{version} exits while it starts", rules.START)

    def _note(self, what: str, kind: str, identity: str) -> None:
        self.calls.append((what, kind, identity))

    def _identity(self, token: str, inputs: dict) -> str:
        """Return the id that a resource of these inputs has or gets."""
        kind, what = kind_of(token), short(token)
        if what == "sns/topicSubscription:TopicSubscription":
            return self._subscription(what, inputs)
        if kind.second == MADE_UP:
            self.made += 1
            noun = what.partition(":")[0].partition("/")[2]
            return f"{noun.lower()}{self.made:06d}"
        identity = kind.joined.join(str(inputs.get(name) or "") for name in kind.identity)
        pattern = IDS.get(what, "{name}")
        return pattern.format(region=REGION, account=ACCOUNT, name=identity)

    def _subscription(self, what: str, inputs: dict) -> str:
        """Return the arn of the subscription of these inputs: the one that is there, or another number."""
        kind = kind_of(f"aws:{what}")
        for thing in self.of(what):
            if all(thing.inputs.get(name) == inputs.get(name) for name in kind.identity):
                return thing.id
        self.made += 1
        return f"{inputs['topic']}:{self.made:08d}"

    def _state(self, token: str, identity: str, inputs: dict) -> dict:
        versions = self.versions.get(identity, {})
        state = outputs(token, identity, inputs, max(versions, default=0) if inputs.get("publish") else 0)
        if short(token) == "sqs/queue:Queue":
            state |= {"url": identity, "arn": arn_of("sqs/queue", str(inputs["name"]))}
        return state

    def _publish(self, function: str, inputs: dict) -> None:
        if inputs.get("publish"):
            versions = self.versions.setdefault(function, {})
            versions[max(versions, default=0) + 1] = Version(inputs)


def new_version(old: dict, new: dict) -> bool:
    """Return whether an update of a function publishes: any change of code or configuration does."""
    if not new.get("publish"):
        return False
    names = (old.keys() | new.keys()) - UNPUBLISHED
    return any(old.get(name) != new.get(name) for name in names)
