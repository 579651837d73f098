"""The settings of a stack: keys with ranges, and the only reader of configuration."""

from .errors import ConfigurationError
from .keys import Hidden, Key
from .load import from_pulumi, load
from .model import KEYS, Settings

__all__ = ["KEYS", "ConfigurationError", "Hidden", "Key", "Settings", "from_pulumi", "load"]
