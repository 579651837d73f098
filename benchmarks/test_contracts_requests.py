"""Judging one request: the prediction path's validator against compiled jsonschema, interleaved, answers checked.

`pytest benchmarks/test_contracts_requests.py -s` prints the figures.
"""

from __future__ import annotations

import json
from statistics import median
from time import perf_counter

import pytest
from drift_contracts import RequestValidator, feature_set, parse_json, schemas
from workloads import houses

ROUNDS, REQUESTS = 15, 400
BAR = 15


@pytest.mark.parametrize("model", ["house-price"])
def test_the_validator_is_many_times_faster_than_jsonschema(model):
    one = feature_set(model)
    rows, _ = houses(REQUESTS)
    requests = [{"features": {**one.example, "sqft": float(abs(row[2]) + 1), "age": int(row[3])}} for row in rows]
    bodies = [json.dumps(request).encode() for request in requests]
    validator, published = RequestValidator(one), schemas.compiled(schemas.request_schema(one))
    assert [validator.row(request) for request in requests] == [
        tuple(map(float, request["features"].values())) for request in requests
    ]
    assert not any(schemas.violations(published, request) for request in requests)
    ours, theirs, parsing = [], [], []
    for _ in range(ROUNDS):
        ours.append(timed(validator.row, requests))
        theirs.append(timed(lambda request: schemas.violations(published, request), requests))
        parsing.append(timed(parse_json, bodies))
    ratio = median(theirs) / median(ours)
    print(
        f"\nvalidator {median(ours):.2f} us, jsonschema {median(theirs):.1f} us, ratio {ratio:.0f}; "
        f"strict parse {median(parsing):.2f} us"
    )
    assert ratio >= BAR


def timed(judge, requests) -> float:
    """Microseconds a request."""
    started = perf_counter()
    for request in requests:
        judge(request)
    return (perf_counter() - started) / len(requests) * 1e6
