import pickle

import pytest
from drift_contracts import DriftError
from drift_predictor import Settings, SettingsError, read_settings

PIN = "0123456789abcdef" * 4
WRONG = [
    ("DRIFT_THRESHOLD", "high", "a number above 0 and at most 1000"),
    ("DRIFT_THRESHOLD", "nan", "a number above 0 and at most 1000"),
    ("DRIFT_THRESHOLD", "inf", "a number above 0 and at most 1000"),
    ("DRIFT_THRESHOLD", "0", "a number above 0 and at most 1000"),
    ("DRIFT_THRESHOLD", "-2", "a number above 0 and at most 1000"),
    ("DRIFT_MODEL", "../etc", "the name of a model, such as house-price"),
    ("DRIFT_STACK", "-prod", "1 to 63 letters, digits and hyphens, no hyphen first"),
    ("DRIFT_STACK", "a" * 64, "1 to 63 letters, digits and hyphens, no hyphen first"),
    ("DRIFT_LOG_LEVEL", "loud", "one of DEBUG, INFO, WARNING, ERROR"),
    *(
        (
            "DRIFT_PATH_PREFIX",
            text,
            "a path such as /v1 or /ml/houses: 1 to 8 names of letters, digits, hyphens, dots and underscores",
        )
        for text in ("/", "//v1", "/a//b", "/a b", "/..", "/ä", "/x" * 9, "/" + "x" * 65, "https://x.example/v1")
    ),
    *(
        (
            "DRIFT_MODEL_VERSIONS",
            text,
            "NAME=PIN pairs with commas between, each name once, a PIN being the 64 hex digits that "
            "`sha256sum build/bundles/NAME/VERSION/manifest.json` prints",
        )
        for text in ("house-price", "house-price=0123456789ab", f"={PIN}", f"a={PIN},a={PIN}", f"a={PIN.upper()}", ",")
    ),
]


def test_without_variables_everything_has_its_default():
    assert read_settings({}) == Settings()
    assert read_settings({"DRIFT_THRESHOLD": "", "DRIFT_MODEL": "  "}) == Settings()


def test_every_variable_is_read():
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
def test_a_path_prefix_is_read_with_or_without_slashes_around_it(text):
    """However it is written, it is one prefix."""
    assert read_settings({"DRIFT_PATH_PREFIX": text}).path_prefix == "/ml/v1"


@pytest.mark.parametrize(("variable", "text", "allowed"), WRONG)
def test_a_wrong_value_is_told_by_variable_and_what_is_allowed(variable, text, allowed):
    with pytest.raises(SettingsError) as caught:
        read_settings({variable: text})
    assert str(caught.value) == f"{variable}: expected {allowed}"


def test_all_wrong_values_are_told_at_once_in_one_line_that_holds_none_of_them():
    with pytest.raises(SettingsError) as caught:
        read_settings({"DRIFT_THRESHOLD": "marker\n1", "DRIFT_STACK": "mark er", "DRIFT_LOG_LEVEL": "marker"})
    message = str(caught.value)
    assert [part.split(":")[0] for part in message.split("; ")] == ["DRIFT_THRESHOLD", "DRIFT_STACK", "DRIFT_LOG_LEVEL"]
    assert "mark" not in message
    assert "\n" not in message


def test_the_error_is_one_of_ours_and_survives_pickling():
    error = SettingsError({"DRIFT_MODEL": "something"})
    assert isinstance(error, DriftError)
    assert pickle.loads(pickle.dumps(error)).faults == error.faults
