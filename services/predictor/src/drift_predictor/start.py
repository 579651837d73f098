"""From environment variables to a running service."""

from __future__ import annotations

import os

from drift_contracts import MonitoringSpec
from drift_engine.bundle import bundle_names, load_bundle

from drift_predictor.service import Service
from drift_predictor.settings import SettingsError, read_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drift_engine.bundle import Bundle

    from drift_predictor.settings import Settings

READY_LEVELS = ("DEBUG", "INFO")


def start(
    environ: Mapping[str, str],
    *,
    clock: Callable[[], int],
    timer: Callable[[], int],
    random_bytes: Callable[[int], bytes],
    write: Callable[[str], object],
) -> Service:
    """A service as the variables say; see Service for the other arguments.

    Raises SettingsError, and DriftError where a bundle is not what it should be.
    """
    settings = read_settings(environ)
    bundles = open_bundles(settings)
    spec = MonitoringSpec.load()
    service = Service(bundles, settings, spec, clock=clock, timer=timer, random_bytes=random_bytes, write=write)
    if settings.log_level in READY_LEVELS:
        service.tell_ready()
    return service


def open_bundles(settings: Settings) -> dict[str, Bundle]:
    """The bundles in the folder that the settings name, verified, by model.

    Raises SettingsError if there is none, if DRIFT_MODEL does not say which one `/predict` asks where there are
    several, or if a model that is pinned is not there; and load_bundle's errors.
    """
    names = bundle_names(settings.bundles)
    if not names:
        raise SettingsError({"DRIFT_BUNDLES": "a folder that holds bundles: one folder per model"})
    choices = ", ".join(names)
    if settings.model not in names and (settings.model or len(names) > 1):
        raise SettingsError({"DRIFT_MODEL": f"one of the models that are there: {choices}"})
    if not settings.pins.keys() <= set(names):
        raise SettingsError({"DRIFT_MODEL_VERSIONS": f"no models but those that are there: {choices}"})
    return {name: load_bundle(_join(settings.bundles, name), settings.pins.get(name)) for name in names}


def _join(folder: str, name: str) -> str:
    return os.path.join(folder, name)  # noqa: PTH118 - importing pathlib would cost a cold start 2 ms
