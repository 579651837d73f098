"""Packed bodies: gzip within its bound, nothing else."""

import base64
import gzip
import json
import zlib

import pytest
from drift_predictor.bodies import MOST_MEMBERS, decoded
from drift_predictor.problems import Problem
from hypothesis import given
from hypothesis import strategies as st

MEGABYTE = 1024 * 1024
GOOD = json.dumps({"features": {"bedrooms": 3, "bathrooms": 2, "sqft": 2000, "age": 10, "location_score": 7}}).encode()
LIMIT = 5 * MEGABYTE


def refusal(body, encoding="gzip", limit=LIMIT):
    with pytest.raises(Problem) as caught:
        decoded(body, encoding, limit)
    return caught.value.status, caught.value.kind


@given(st.lists(st.binary(max_size=50_000), min_size=1, max_size=4))
def test_gzip_round_trip(parts):
    """Any content in any number of members is read whole."""
    assert decoded(b"".join(map(gzip.compress, parts)), "gzip", LIMIT) == b"".join(parts)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "identity, gzip", " gzip "])
def test_gzip_names(service, encoding):
    """Names are read in any case, and identity beside them means nothing."""
    assert service.respond("POST", "/predict", gzip.compress(GOOD), encoding=encoding).status == 200


@pytest.mark.parametrize("encoding", ["", "identity", "Identity", ","])
def test_no_encoding(service, encoding):
    """A body that is not packed is read as it is."""
    assert service.respond("POST", "/predict", GOOD, encoding=encoding).status == 200


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "compress", "gzip, gzip", "gzip,br", "utf-8"])
def test_other_encoding(edge, http, encoding):
    """Any other encoding is a 415 whose detail and header name gzip."""
    headers = {"content-type": "application/json", "content-encoding": encoding}
    answer = edge.handle(http("POST", "/predict", {}, headers=headers), None)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["type"]) == (415, "urn:drift:problem:unsupported-media-type")
    assert "gzip" in problem["detail"]
    assert answer["headers"]["accept-encoding"] == "gzip, identity"


def test_bomb():
    """Of 50 MB of blanks no more than the limit is ever unpacked."""
    assert refusal(gzip.compress(b" " * 50 * MEGABYTE, 1)) == (413, "too-large")
    assert decoded(gzip.compress(b" " * LIMIT), "gzip", LIMIT) == b" " * LIMIT
    assert refusal(gzip.compress(b" " * (LIMIT + 1))) == (413, "too-large")
    assert refusal(gzip.compress(b" " * LIMIT) + gzip.compress(b" ")) == (413, "too-large")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        GOOD,
        b"\x1f\x8b",
        gzip.compress(GOOD)[:-1],
        gzip.compress(GOOD)[:-9],
        gzip.compress(GOOD) + b"x",
        gzip.compress(GOOD) + b"\x00" * 16,
        gzip.compress(GOOD) + gzip.compress(GOOD)[:12],
        gzip.compress(GOOD)[:-8] + b"\x00" * 8,
        zlib.compress(GOOD),
        gzip.compress(b"") * (MOST_MEMBERS + 1),
    ],
    ids=[
        "empty",
        "plain",
        "two bytes",
        "cut",
        "no checksum",
        "garbage",
        "zeros",
        "half a member",
        "wrong sum",
        "zlib",
        "members",
    ],
)
def test_broken_gzip(body):
    """What is cut, damaged, followed by something or in very many pieces is a 400."""
    assert refusal(body) == (400, "not-gzip")


def test_empty_members():
    """Empty members are read up to a limit."""
    assert decoded(gzip.compress(b"") * (MOST_MEMBERS - 1) + gzip.compress(b"{}"), "gzip", LIMIT) == b"{}"


@pytest.mark.parametrize(("path", "limit"), [("/predict", MEGABYTE), ("/predict/batch", 5 * MEGABYTE)])
def test_limit_of_endpoint(service, path, limit):
    """The limit of an endpoint holds for a body as it is packed and as it unpacks."""
    packed = gzip.compress(b" " * (limit + 1))
    assert service.respond("POST", path, packed, encoding="gzip").status == 413
    assert service.respond("POST", path, gzip.compress(b" " * limit), encoding="gzip").status == 400
    assert service.respond("POST", path, b" " * (limit + 1), encoding="gzip").status == 413


def test_packed_base64(edge, http, house):
    """A packed body arrives in base64, as every source hands a binary body over."""
    packed = base64.b64encode(gzip.compress(json.dumps({"features": house}).encode())).decode()
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = edge.handle(http("POST", "/predict", body=packed, isBase64Encoded=True, headers=headers), None)
    assert json.loads(answer["body"])["features_received"] == house


def test_encoding_without_body(service):
    """A path that reads no body does not read its encoding either."""
    assert service.respond("GET", "/health", b"x", encoding="br").status == 200
