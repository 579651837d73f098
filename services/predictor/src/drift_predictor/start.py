"""Start a service from environment variables."""

from __future__ import annotations

import os

from drift_contracts import MonitoringSpec, SettingsError, environment
from drift_engine.bundle import bundle_names, load_bundle

from drift_predictor.service import Service
from drift_predictor.settings import read_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drift_engine.bundle import Bundle

    from drift_predictor.settings import Settings

#: The levels at which a service writes that it is ready.
READY_LEVELS = ("DEBUG", "INFO")


def start(
    environ: Mapping[str, str],
    *,
    clock: Callable[[], int],
    timer: Callable[[], int],
    random_bytes: Callable[[int], bytes],
    write: Callable[[str], object],
) -> Service:
    """Return a service as the variables say.

    Args:
        environ: texts by name, such as `os.environ`.
        clock: see `Service`, as the others.
        timer: nanoseconds that never run backwards.
        random_bytes: returns so many random bytes.
        write: takes one line.

    Raises:
        SettingsError: variables that cannot be used.
        DriftError: a bundle is not what it should be.
    """
    settings = read_settings(environ)
    service = Service(
        open_bundles(settings),
        settings,
        MonitoringSpec.load(),
        clock=clock,
        timer=timer,
        random_bytes=random_bytes,
        write=write,
    )
    if settings.log_level in READY_LEVELS:
        service.write_ready()
    return service


def open_bundles(settings: Settings) -> dict[str, Bundle]:
    """Return the bundles in the folder that the settings name, verified, by model.

    Raises:
        SettingsError: there is none, or DRIFT_MODEL does not say which one `/predict` asks where
            there are several, or a model that is pinned is not there.
        DriftError: a bundle is not what it should be; see `load_bundle`.
    """
    names = bundle_names(settings.bundles)
    if not names:
        expected = "a folder that holds bundles: one folder per model"
        raise SettingsError({environment.BUNDLES: expected})
    choices = ", ".join(names)
    if settings.model not in names and (settings.model or len(names) > 1):
        raise SettingsError({environment.MODEL: f"one of the models that are there: {choices}"})
    if not settings.pins.keys() <= set(names):
        expected = f"no models but those that are there: {choices}"
        raise SettingsError({environment.MODEL_VERSIONS: expected})
    bundles = {}
    for name in names:
        # Importing pathlib would cost a cold start 2 ms.
        folder = os.path.join(settings.bundles, name)  # noqa: PTH118
        bundles[name] = load_bundle(folder, settings.pins.get(name))
    return bundles
