import os
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from drift_predictor.stamps import AT_ONCE, RANDOM_BYTES, Identities, timestamp, uuid7
from hypothesis import given
from hypothesis import strategies as st

MILLISECONDS = st.integers(0, 253_402_300_799_999)


@given(MILLISECONDS)
def test_a_timestamp_reads_back_as_the_same_moment(milliseconds):
    text = timestamp(milliseconds)
    assert text.endswith("Z")
    assert len(text) == 24
    moment = datetime.fromisoformat(text)
    assert moment - datetime(1970, 1, 1, tzinfo=UTC) == timedelta(milliseconds=milliseconds)


@given(MILLISECONDS, st.binary(min_size=10, max_size=10))
def test_an_id_is_a_uuid_of_version_7_that_holds_its_time_and_all_its_randomness(milliseconds, noise):
    identity = UUID(uuid7(milliseconds, lambda _n: noise))
    assert (identity.version, identity.variant) == (7, RFC_4122)
    assert identity.int >> 80 == milliseconds
    bits = int.from_bytes(noise, "big")
    assert (identity.int >> 64) & 0xFFF == (bits >> 64) & 0xFFF
    assert identity.int & ((1 << 62) - 1) == bits & ((1 << 62) - 1)


@given(MILLISECONDS, MILLISECONDS)
def test_ids_sort_as_their_times_do(one, other):
    if one < other:
        assert uuid7(one, lambda n: b"\xff" * n) < uuid7(other, lambda n: b"\0" * n)


def test_ten_thousand_ids_of_one_millisecond_differ():
    assert len({uuid7(1, os.urandom) for _ in range(10_000)}) == 10_000


@given(MILLISECONDS, st.integers(0, 3 * AT_ONCE), st.randoms(use_true_random=False))
def test_ids_whose_randomness_was_drawn_together_are_those_of_each_draw(milliseconds, count, random):
    drawn = []

    def random_bytes(length):
        drawn.append(random.randbytes(length))
        return drawn[-1]

    new_id = Identities(random_bytes)
    identities = [new_id(milliseconds) for _ in range(count)]
    noise = b"".join(drawn)
    pieces = [noise[at : at + RANDOM_BYTES] for at in range(0, len(noise), RANDOM_BYTES)]
    assert len(drawn) == -(-count // AT_ONCE)
    assert set(identities) <= {uuid7(milliseconds, lambda _n, piece=piece: piece) for piece in pieces}
    assert len(set(identities)) == count


def test_the_example_of_the_rfc():
    assert (
        uuid7(0x017F22E279B0, lambda _n: bytes.fromhex("0cc318c4dc0c0c07398f"))
        == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
    )
