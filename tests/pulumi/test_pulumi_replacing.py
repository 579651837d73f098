"""T14: whatever is replaced keeps its place: what bears a name of ours is deleted first, or can stand beside."""

from __future__ import annotations

from .cloud.kinds import MADE_UP, OWN_NAME, kind_of


def in_its_own_way(token):
    """Return whether a replacement can meet the resource that it replaces, under the same id.

    Where every forcing input is part of the id, the new one has another id; what is named by one name of
    ours is tried all the same, because people replace by hand too (`pulumi up --replace`).
    """
    kind = kind_of(token)
    if kind.second == MADE_UP:
        return False
    by_name = kind.second == OWN_NAME and len(kind.identity) == 1
    return by_name or bool(set(kind.forces) - set(kind.identity))


def levels(resources):
    """Return the urns by how many resources each one stands on, the lowest first."""
    below = {each["urn"]: set(each.get("dependencies") or ()) for each in resources}
    depth = {}

    def of(urn):
        if urn not in depth:
            depth[urn] = 1 + max((of(each) for each in below[urn] if each in below), default=0)
        return depth[urn]

    found = {}
    for urn in below:
        found.setdefault(of(urn), []).append(urn)
    return [found[number] for number in sorted(found)]


def test_t14_replacements(world):
    """Every resource can be replaced, and nothing is lost."""
    found = levels(world.resources())
    assert len(found) > 3
    for urns in reversed(found):  # from what stands on others down, so that no parent takes its children along
        chosen = [urn for urn in urns if in_its_own_way(urn.split("::")[2].split("$")[-1])]
        run = world.pulumi.up(*(word for urn in chosen for word in ("--replace", urn)))
        assert run.code == 0, run.why
        assert world.lost() == [], chosen
        assert world.strays() == [], chosen
    world.settled()
