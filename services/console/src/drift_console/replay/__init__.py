"""Past traffic through the detectors: from files, from stored windows, as text, JSON and a page to keep.

`replay_windows` is the pure heart of it: what the detector would have said of windows under any settings.
"""

from drift_console.replay.errors import ReplayError
from drift_console.replay.windows import Alarm, Replay, Step, replay_windows

__all__ = ["Alarm", "Replay", "ReplayError", "Step", "replay_windows"]
