"""Past traffic through the detectors: from files, from stored windows, as text, JSON and a page to keep.

`windows.replay_windows` is the pure heart of it: what the detector would have said of windows under any settings.
This file imports nothing, so that `driftctl --help` does not wait for numpy.
"""
