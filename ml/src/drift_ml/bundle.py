"""Bundles under their former name; `drift_engine.bundle` is their home."""

from drift_engine.bundle import Bundle, BundleError, describe_files, load_bundle, model_version

__all__ = ["Bundle", "BundleError", "describe_files", "load_bundle", "model_version"]
