"""Bundles on disk: their manifest, their versions, and which of them is the current one."""

from drift_ml.packing.bundle import baseline_bytes, segment_files, write_bundle
from drift_ml.packing.versions import use_version, write_version

__all__ = ["baseline_bytes", "segment_files", "use_version", "write_bundle", "write_version"]
