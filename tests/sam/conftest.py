"""The fixtures of the image's tests: engine, bases, image."""

from __future__ import annotations

import importlib.util
from pathlib import Path

SPEC = importlib.util.spec_from_file_location("image_conftest", Path(__file__).parents[1] / "image/conftest.py")
MODULE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(MODULE)

folder, docker, bases, image = MODULE.folder, MODULE.docker, MODULE.bases, MODULE.image
