"""Ids of predictions and requests."""

import os
from uuid import RFC_4122, UUID

from drift_predictor.identifiers import IDS_AT_ONCE, RANDOM_BYTES, Identities, uuid7
from hypothesis import given
from hypothesis import strategies as st

MILLISECONDS = st.integers(0, 253_402_300_799_999)


@given(MILLISECONDS, st.binary(min_size=10, max_size=10))
def test_uuid7(milliseconds, noise):
    """An id is a UUID of version 7 that holds its time and all its randomness."""
    identity = UUID(uuid7(milliseconds, lambda _n: noise))
    assert (identity.version, identity.variant) == (7, RFC_4122)
    assert identity.int >> 80 == milliseconds
    bits = int.from_bytes(noise, "big")
    assert (identity.int >> 64) & 0xFFF == (bits >> 64) & 0xFFF
    assert identity.int & ((1 << 62) - 1) == bits & ((1 << 62) - 1)


@given(MILLISECONDS, MILLISECONDS)
def test_order_of_ids(one, other):
    """Ids sort as their times do."""
    if one < other:
        assert uuid7(one, lambda n: b"\xff" * n) < uuid7(other, lambda n: b"\0" * n)


def test_ids_differ():
    """Ten thousand ids of one millisecond differ."""
    assert len({uuid7(1, os.urandom) for _ in range(10_000)}) == 10_000


@given(MILLISECONDS, st.integers(0, 3 * IDS_AT_ONCE), st.randoms(use_true_random=False))
def test_drawn_together(milliseconds, count, random):
    """Ids whose randomness was drawn together are those of single draws."""
    drawn = []

    def random_bytes(length):
        drawn.append(random.randbytes(length))
        return drawn[-1]

    new_id = Identities(random_bytes).new
    identities = [new_id(milliseconds) for _ in range(count)]
    noise = b"".join(drawn)
    pieces = [noise[at : at + RANDOM_BYTES] for at in range(0, len(noise), RANDOM_BYTES)]
    assert len(drawn) == -(-count // IDS_AT_ONCE)
    assert set(identities) <= {uuid7(milliseconds, lambda _n, piece=piece: piece) for piece in pieces}
    assert len(set(identities)) == count


def test_example_of_rfc():
    """The RFC's example is reproduced."""
    assert (
        uuid7(0x017F22E279B0, lambda _n: bytes.fromhex("0cc318c4dc0c0c07398f"))
        == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
    )
