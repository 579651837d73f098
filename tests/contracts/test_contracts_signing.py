"""What signing needs, and what is said where it is not there."""

from __future__ import annotations

import click
import httpx
import pytest
from botocore.credentials import Credentials
from drift_client import SignedByAws
from drift_client.cli import authorization

KEYS = Credentials("AKIDEXAMPLE", "secret")


@pytest.fixture
def _no_account(monkeypatch, tmp_path):
    """Hide every credential and region of this machine."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("_no_account")
def test_no_credentials():
    """Without credentials the message names where they are looked for."""
    with pytest.raises(ValueError, match="AWS_ACCESS_KEY_ID"):
        SignedByAws("https://api.example.com", region="eu-central-1")


@pytest.mark.usefixtures("_no_account")
def test_no_region():
    """An address that names no region needs one from elsewhere."""
    with pytest.raises(ValueError, match="AWS_DEFAULT_REGION"):
        SignedByAws("https://api.example.com", credentials=KEYS)


def test_lasting_credentials():
    """Keys that do not expire come without a session's token, and so does the request."""
    signer = SignedByAws("https://api.example.com", region="eu-central-1", credentials=KEYS)
    signed = next(signer.auth_flow(httpx.Request("GET", "https://api.example.com/health")))
    assert signed.headers["authorization"].startswith("AWS4-HMAC-SHA256")
    assert "x-amz-security-token" not in signed.headers


def test_missing_botocore(monkeypatch):
    """Without the library that signs, the message names the extra."""

    def fail(*_):
        raise ModuleNotFoundError("No module named 'botocore'", name="botocore")

    monkeypatch.setattr(authorization, "authorized", fail)
    with pytest.raises(click.UsageError, match="drift-client\\[aws\\]"):
        authorization.chosen_auth("https://api.example.com")
