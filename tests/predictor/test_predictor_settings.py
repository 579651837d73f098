"""The environment variables."""

import pickle

import pytest
from drift_contracts import DriftError
from drift_predictor import Settings, SettingsError, read_settings

PIN = "0123456789abcdef" * 4
THRESHOLD = ("above 0", "1000")
STACK = ("63", "letters, digits and hyphens")
PREFIX = ("/v1", "1 to 8 names")
PINS = ("NAME=PIN", "64 hex digits", "sha256sum")
WRONG = [
    ("DRIFT_THRESHOLD", "high", THRESHOLD),
    ("DRIFT_THRESHOLD", "nan", THRESHOLD),
    ("DRIFT_THRESHOLD", "inf", THRESHOLD),
    ("DRIFT_THRESHOLD", "0", THRESHOLD),
    ("DRIFT_THRESHOLD", "-2", THRESHOLD),
    ("DRIFT_MODEL", "../etc", ("the name of a model",)),
    ("DRIFT_STACK", "-prod", STACK),
    ("DRIFT_STACK", "a" * 64, STACK),
    ("DRIFT_LOG_LEVEL", "loud", ("DEBUG", "INFO", "WARNING", "ERROR")),
    *(("DRIFT_MOST_ROWS", text, ("from 1 to 1000",)) for text in ("0", "1001", "5.0", "many")),
    *(
        ("DRIFT_PATH_PREFIX", text, PREFIX)
        for text in ("/", "//v1", "/a//b", "/a b", "/..", "/ä", "/x" * 9, "/" + "x" * 65, "https://x.example/v1")
    ),
    *(
        ("DRIFT_MODEL_VERSIONS", text, PINS)
        for text in ("house-price", "house-price=0123456789ab", f"={PIN}", f"a={PIN},a={PIN}", f"a={PIN.upper()}", ",")
    ),
]


def test_defaults():
    """Without variables every setting has its default."""
    assert read_settings({}) == Settings()
    assert read_settings({"DRIFT_THRESHOLD": "", "DRIFT_MODEL": "  "}) == Settings()


def test_variables():
    """Every variable is read."""
    assert read_settings(
        {
            "DRIFT_BUNDLES": "/opt/bundles",
            "DRIFT_MODEL": "diabetes",
            "DRIFT_THRESHOLD": "2.5",
            "DRIFT_STACK": "prod",
            "DRIFT_LOG_LEVEL": "warning",
            "DRIFT_MODEL_VERSIONS": f"house-price={PIN}, diabetes={PIN[::-1]}",
        }
    ) == Settings(
        bundles="/opt/bundles",
        model="diabetes",
        threshold=2.5,
        stack="prod",
        log_level="WARNING",
        pins={"house-price": PIN, "diabetes": PIN[::-1]},
    )


@pytest.mark.parametrize("text", ["/ml/v1", "ml/v1", "ml/v1/", " /ml/v1/ "])
def test_path_prefix(text):
    """A path prefix is read with or without slashes around it."""
    assert read_settings({"DRIFT_PATH_PREFIX": text}).path_prefix == "/ml/v1"


@pytest.mark.parametrize(("variable", "text", "facts"), WRONG)
def test_wrong_value(variable, text, facts):
    """A wrong value is refused by variable and what is expected, without the value."""
    with pytest.raises(SettingsError) as caught:
        read_settings({variable: text})
    assert list(caught.value.faults) == [variable]
    assert [fact for fact in facts if fact not in caught.value.faults[variable]] == []


def test_wrong_values():
    """All wrong values are refused at once, in one line without any of them."""
    with pytest.raises(SettingsError) as caught:
        read_settings({"DRIFT_THRESHOLD": "marker\n1", "DRIFT_STACK": "mark er", "DRIFT_LOG_LEVEL": "marker"})
    message = str(caught.value)
    assert [part.split(":")[0] for part in message.split("; ")] == ["DRIFT_THRESHOLD", "DRIFT_STACK", "DRIFT_LOG_LEVEL"]
    assert "mark" not in message
    assert "\n" not in message


def test_pickled_settings_error():
    """The error is one of ours and survives pickling."""
    error = SettingsError({"DRIFT_MODEL": "something"})
    assert isinstance(error, DriftError)
    assert pickle.loads(pickle.dumps(error)).faults == error.faults
