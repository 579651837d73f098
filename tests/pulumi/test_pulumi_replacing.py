"""T14: whatever is replaced keeps its place: what bears a name of ours is deleted first, or can stand beside."""

from __future__ import annotations


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


def test_t14_every_resource_can_be_replaced_and_nothing_is_lost(world):
    found = levels(world.resources())
    assert len(found) > 3
    for urns in reversed(found):  # from what stands on others down, so that no parent takes its children along
        run = world.pulumi.up(*(word for urn in urns for word in ("--replace", urn)))
        assert run.code == 0, run.why
        assert world.lost() == [], urns
        assert world.strays() == [], urns
    world.settled()
