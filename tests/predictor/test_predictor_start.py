"""From the environment to a service, and to the Lambda handler."""

import hashlib
import importlib
import json
import os
import shutil
import sys

import pytest
from drift_contracts import DriftError
from drift_engine.bundle import BundleError
from drift_predictor import Settings, SettingsError, open_bundles, start

PORTS = {"clock": lambda: 0, "timer": lambda: 0, "random_bytes": bytes}


@pytest.mark.parametrize(
    ("settings", "variable", "fact"),
    [
        ({"bundles": "/nowhere"}, "DRIFT_BUNDLES", "one folder per model"),
        ({"model": ""}, "DRIFT_MODEL", "house-price, mixed"),
        ({"model": "other"}, "DRIFT_MODEL", "house-price, mixed"),
        ({"model": "mixed", "pins": {"other": "0" * 64}}, "DRIFT_MODEL_VERSIONS", "house-price, mixed"),
    ],
)
def test_no_such_bundle(bundles, settings, variable, fact):
    """Settings that fit no bundle are refused by variable, with the choices."""
    with pytest.raises(SettingsError) as caught:
        open_bundles(Settings(**{"bundles": str(bundles), **settings}))
    assert list(caught.value.faults) == [variable]
    assert fact in caught.value.faults[variable]


def test_no_bundles(tmp_path):
    """A folder without bundles is refused."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(SettingsError, match="DRIFT_BUNDLES"):
        open_bundles(Settings(bundles=str(tmp_path)))


def test_pins(bundles):
    """A bundle must have the manifest that is pinned."""
    found = open_bundles(Settings(bundles=str(bundles), model="mixed"))
    digest = hashlib.sha256((bundles / "mixed/manifest.json").read_bytes()).hexdigest()
    assert open_bundles(Settings(bundles=str(bundles), model="mixed", pins={"mixed": digest})).keys() == found.keys()
    with pytest.raises(BundleError, match=r"manifest\.json: expected the SHA-256"):
        open_bundles(Settings(bundles=str(bundles), model="mixed", pins={"mixed": "0" * 64}))


@pytest.mark.parametrize(("level", "lines"), [("DEBUG", 1), ("INFO", 1), ("WARNING", 0), ("ERROR", 0)])
def test_ready(bundles, level, lines):
    """The start is logged unless the level is above INFO."""
    written = []
    environ = {"DRIFT_BUNDLES": str(bundles), "DRIFT_MODEL": "mixed", "DRIFT_LOG_LEVEL": level}
    service = start(environ, **PORTS, write=written.append)
    assert len(written) == lines
    for line in map(json.loads, written):
        assert (line["message"], line["default"]) == ("ready", "mixed")
        assert line["models"]["mixed"]["engine"] == service.default.bundle.model.engine


@pytest.fixture
def load(monkeypatch):
    """Import the Lambda module anew with these environment variables."""

    def load(**environ):
        for name, text in environ.items():
            monkeypatch.setenv(name, text)
        monkeypatch.delitem(sys.modules, "drift_predictor.handler", raising=False)
        return importlib.import_module("drift_predictor.handler")

    yield load
    sys.modules.pop("drift_predictor.handler", None)


def test_handler(load, bundles, house, capfd):
    """The handler answers events and writes lines to standard output."""
    module = load(DRIFT_BUNDLES=str(bundles), DRIFT_MODEL="house-price")
    assert module.handler({"features": house}, None)["model"] == "house-price"
    ready, event = map(json.loads, capfd.readouterr().out.splitlines())
    assert (ready["message"], event["contract"]) == ("ready", "prediction.event.v1")


def test_line_in_pieces(load, bundles, monkeypatch, tmp_path):
    """A line that the system writes in pieces is written whole."""
    module = load(DRIFT_BUNDLES=str(bundles), DRIFT_MODEL="house-price", DRIFT_LOG_LEVEL="ERROR")
    write = os.write
    with (tmp_path / "log").open("wb") as log:
        monkeypatch.setattr(module, "STANDARD_OUTPUT", log.fileno())
        monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
        module.write_line("a line of more than seven")
    assert (tmp_path / "log").read_bytes() == b"a line of more than seven\n"


def test_bad_start(load, bundles, tmp_path, capsys):
    """A bad start is one line, on standard error and in the error."""
    shutil.copytree(bundles, tmp_path / "bundles")
    forest = tmp_path / "bundles/mixed/forest.bin"
    forest.write_bytes(forest.read_bytes()[:-1] + b"\xff")
    for environ, says in (
        ({"DRIFT_BUNDLES": "/nowhere"}, "DRIFT_BUNDLES"),
        ({"DRIFT_BUNDLES": str(tmp_path / "bundles")}, "sha256"),
    ):
        with pytest.raises(DriftError, match=says) as caught:
            load(DRIFT_MODEL="mixed", **environ)
        assert capsys.readouterr().err == f"{caught.value}\n"
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
