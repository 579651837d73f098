"""Rules that several rooms share: variables, timestamps, severity, problems and metric lines."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import get_args

import drift_contracts
import pytest
from drift_contracts import SettingsError, environment, feature_set, json_types, schemas
from drift_contracts.environment import Variable, matching, one_of, read_variables
from drift_contracts.functions import EVERYWHERE, FUNCTIONS
from drift_contracts.metric_lines import MOST_METRICS, directives, metric_line
from drift_contracts.openapi import PROBLEMS
from drift_contracts.problems import KINDS, LONGEST_DETAIL, SERVICE_KINDS, problem_document
from drift_contracts.severity import severity
from drift_contracts.timestamps import utc_ms, utc_text, utc_text_of_seconds
from hypothesis import given
from hypothesis import strategies as st

from tools.contract_checks.cases import cases

YEAR_9999_MS = 253_402_300_799_999
VARIABLES = {
    environment.STACK: environment.STACK_VARIABLE,
    environment.MODEL: environment.MODEL_VARIABLE,
    environment.LOG_LEVEL: Variable("log_level", one_of(*environment.LEVELS), "a level"),
}


@given(st.integers(0, YEAR_9999_MS))
def test_timestamp_round_trip(timestamp_ms):
    """Text and milliseconds of a time convert into each other."""
    text = utc_text(timestamp_ms)
    assert utc_ms(text) == timestamp_ms
    assert text == datetime.fromtimestamp(timestamp_ms // 1000, UTC).strftime(
        f"%Y-%m-%dT%H:%M:%S.{timestamp_ms % 1000:03d}Z"
    )


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1900, 1, 1)))
def test_timestamp_zones(time):
    """An offset is subtracted and what is under a millisecond is cut, also before 1970."""
    since_epoch = time - datetime(1970, 1, 1, tzinfo=UTC)
    assert utc_ms(time.isoformat()) == since_epoch // timedelta(milliseconds=1)


@pytest.mark.parametrize("text", ["", "yesterday", "1999-01-02", "1999-01-02T12:00:00"])
def test_timestamp_without_zone(text):
    """A time without a zone is refused, and the message does not hold it."""
    with pytest.raises(ValueError, match="time zone") as caught:
        utc_ms(text)
    assert not text or text not in str(caught.value)


@given(st.floats(0, 4e9))
def test_timestamp_of_seconds(timestamp_s):
    """Seconds are written as the older alerts of the console were."""
    expected = datetime.fromtimestamp(timestamp_s, UTC).isoformat(timespec="milliseconds")
    assert utc_text_of_seconds(timestamp_s) == expected.replace("+00:00", "Z")


def test_timestamp_in_alert():
    """The text of a time fits the contract of alerts."""
    (case, *_) = cases("alert.v1")
    schemas.check("alert.v1", {**case.instance, "timestamp": utc_text(0)})


def test_variables():
    """A variable that is empty is absent, and the others arrive at their fields."""
    texts = {"DRIFT_STACK": " prod ", "DRIFT_MODEL": "", "DRIFT_LOG_LEVEL": "INFO", "HOME": "/"}
    assert read_variables(texts, VARIABLES) == {"stack": "prod", "log_level": "INFO"}


def test_wrong_variables():
    """All wrong variables are reported together, without a value."""
    texts = {"DRIFT_STACK": "-secret", "DRIFT_MODEL": "Secret", "DRIFT_LOG_LEVEL": "secret"}
    with pytest.raises(SettingsError) as caught:
        read_variables(texts, VARIABLES)
    assert list(caught.value.faults) == ["DRIFT_STACK", "DRIFT_MODEL", "DRIFT_LOG_LEVEL"]
    assert "ecret" not in str(caught.value)


def test_settings_error_pickles():
    """An error of settings keeps its message and faults when it is pickled."""
    error = SettingsError({"--port": "a number"}, "the port is in use")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.faults, str(copy)) == (error.faults, "the port is in use")


def test_json_types():
    """The types of JSON exist at run time, where tools evaluate annotations."""
    assert get_args(json_types.JsonObject) == (str, json_types.JsonValue)
    assert "Sequence[ReadableJson]" in json_types.ReadableJson


def test_function_variables():
    """Every function gets the variables that it needs, and none is both required and optional."""
    assert all(function.required >= EVERYWHERE for function in FUNCTIONS.values())
    assert not any(function.required & function.optional for function in FUNCTIONS.values())
    assert FUNCTIONS["probe"].all() - FUNCTIONS["probe"].required == {environment.FUNCTION}


def test_pattern_is_anchored():
    """A pattern matches from end to end, so that longer text is refused."""
    with pytest.raises(ValueError, match=r"^$"):
        matching("a")("ab")


@given(st.floats(0, 100), st.floats(0, 100))
def test_severity_grows(score, other):
    """A larger score is never less severe."""
    words = ["normal", "moderate", "high"]
    assert words.index(severity(max(score, other))) >= words.index(severity(min(score, other)))


@pytest.mark.parametrize("kind", KINDS)
def test_problem_documents(kind):
    """Every kind of problem makes a document of problem.v1, however long its detail."""
    document = problem_document(kind, "x" * 9000, "request-1")
    schemas.check("problem.v1", document)
    assert (document["status"], len(document["detail"])) == (KINDS[kind].status, LONGEST_DETAIL)
    assert "request_id" not in problem_document(kind, "expected something else")


def test_openapi_statuses():
    """The OpenAPI document has the statuses of all kinds of problems."""
    assert {int(status) for status in PROBLEMS} == {kind.status for kind in SERVICE_KINDS.values()}


@given(st.integers(0, 350))
def test_directives(count):
    """No directive names more metrics than CloudWatch reads, and every metric is in one."""
    units = {f"M{number}": "Count" for number in range(count)}
    described = directives("Drift", ["Stack"], units)
    names = [metric["Name"] for directive in described for metric in directive["Metrics"]]
    assert names == list(units)
    assert all(len(directive["Metrics"]) <= MOST_METRICS for directive in described)
    assert len(described) == max(1, -(-count // MOST_METRICS))


def test_metric_line():
    """A line has its metadata first, then dimensions and values in their order."""
    line = metric_line(5, directives("N", ["Stack"], {"Score": "None"}), {"Stack": "local", "Score": 1.5})
    assert line == (
        '{"_aws":{"Timestamp":5,"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[["Stack"]],'
        '"Metrics":[{"Name":"Score"}]}]},"Stack":"local","Score":1.5}'
    )


def test_lazy_schema():
    """The request schema is imported when it is requested, so that a cold start goes without."""
    assert drift_contracts.request_schema(feature_set("house-price"))["type"] == "object"
    with pytest.raises(AttributeError, match="no_such_name"):
        drift_contracts.no_such_name  # noqa: B018 - asking is the test


def test_statuses_of_http():
    """The console's problems have the statuses that HTTP has for them."""
    names = {"forbidden": "FORBIDDEN", "timeout": "REQUEST_TIMEOUT", "wrong-host": "MISDIRECTED_REQUEST"}
    assert {kind: KINDS[kind].status for kind in names} == {kind: HTTPStatus[name] for kind, name in names.items()}
