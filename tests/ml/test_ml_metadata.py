"""What an installation of drift-ml brings with it."""

from importlib.metadata import requires


def test_numpy_is_required_and_no_extra():
    """`from drift_ml.evidence import MixtureDetector` works after `pip install drift-ml`."""
    words = [word for word in requires("drift-ml") or () if word.startswith("numpy")]
    assert words
    assert not any("extra" in word for word in words)
