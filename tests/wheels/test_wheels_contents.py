"""What the wheels hold and say of themselves."""

from __future__ import annotations

import re
import zipfile
from email.parser import Parser

import pytest

from tests.wheels.conftest import DIST
from tools.distributions import ROOMS, bounds, version

WHEELS = sorted(DIST.glob("*.whl"))
NAMES = [path.name.partition("-")[0] for path in WHEELS]


def metadata_of(wheel):
    """Return the metadata of a wheel."""
    with zipfile.ZipFile(wheel) as file:
        (name,) = (name for name in file.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(file.read(name).decode())


def test_wheel_of_each():
    """Every distribution has a wheel."""
    assert len(WHEELS) == len(ROOMS)


@pytest.mark.parametrize("wheel", WHEELS, ids=NAMES)
def test_metadata(wheel):
    """Wheels have README, licence, addresses and classifiers, and no cap on Python."""
    metadata = metadata_of(wheel)
    assert metadata["Version"] == version()
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert {line.partition(",")[0] for line in metadata.get_all("Project-URL")} >= {"Homepage", "Issues"}
    assert metadata.get_payload().startswith(f"# {metadata['Name']}")
    assert any("3.13" in line for line in metadata.get_all("Classifier"))


@pytest.mark.parametrize("wheel", WHEELS, ids=NAMES)
def test_sibling_bounds(wheel):
    """A distribution requires siblings of its minor version."""
    for requirement in metadata_of(wheel).get_all("Requires-Dist") or []:
        if requirement.startswith("drift-"):
            low, high = bounds(version()).split(",")
            assert low in requirement, requirement
            assert high in requirement, requirement


@pytest.mark.parametrize("wheel", WHEELS, ids=NAMES)
def test_files(wheel):
    """Wheels have a licence and a type marker, and no C sources, tests or caches."""
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("py.typed") for name in names)
    assert [name for name in names if re.search(r"(\.[ch]$|__pycache__|^tests/)", name)] == []


def test_stable_interface():
    """One wheel of the engine serves Python 3.11 and later on any Linux since 2014."""
    (engine,) = (path.name for path in WHEELS if path.name.startswith("drift_engine"))
    assert "-cp311-abi3-manylinux" in engine
