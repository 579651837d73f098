"""What an installation of drift-ml brings with it."""

from importlib.metadata import requires


def test_numpy_required():
    """numpy is a requirement and no extra, so that `pip install drift-ml` can use
    `drift_ml.evidence`.
    """
    words = [word for word in requires("drift-ml") or () if word.startswith("numpy")]
    assert words
    assert not any("extra" in word for word in words)
