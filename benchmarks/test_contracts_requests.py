"""Judging one request: the prediction path's validator against compiled jsonschema, answers checked.

`nox -s benchmark -- benchmarks/test_contracts_requests.py` prints the figures.
"""

from __future__ import annotations

import json

import pytest
from drift_contracts import RequestValidator, feature_set, parse_json, schemas
from pairs import Side, time_of
from workloads import houses

REQUESTS = 400


@pytest.mark.bar("one request validated")
def test_the_validator_is_many_times_faster_than_jsonschema(decide_row):
    features = feature_set("house-price")
    rows, _ = houses(REQUESTS)
    requests = [{"features": {**features.example, "sqft": float(abs(row[2]) + 1), "age": int(row[3])}} for row in rows]
    validator, published = RequestValidator(features), schemas.compiled(schemas.request_schema(features))
    expected = [tuple(map(float, request["features"].values())) for request in requests]

    def check(ours, theirs):
        assert all(answer == expected[place % REQUESTS] for place, answer in enumerate(ours))
        assert not any(theirs)  # no violation

    def violations(request):
        return list(schemas.violations(published, request))

    decide_row(Side.of("validator", validator.row, requests), Side.of("jsonschema", violations, requests), check)
    parsing = Side.of("parse", parse_json, [json.dumps(request).encode() for request in requests]).run(20 * REQUESTS)
    print(f"strict parse {time_of(parsing.seconds / (20 * REQUESTS))}")
