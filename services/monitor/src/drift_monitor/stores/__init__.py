"""Where windows and detector states are stored: one interface, three homes.

`DynamoStore` on AWS, `SqliteStore` on one machine, `MemoryStore` in tests. One battery of tests
runs on all.
"""

from drift_monitor.stores.dynamo import DynamoStore
from drift_monitor.stores.files import FORMAT, open_store
from drift_monitor.stores.memory import MemoryStore
from drift_monitor.stores.packing import UNREADABLE
from drift_monitor.stores.protocol import (
    LARGEST_BATCH,
    Document,
    Fragment,
    Revision,
    Store,
    StoredState,
    StoredWindow,
)
from drift_monitor.stores.sqlite import SqliteStore

__all__ = [
    "FORMAT",
    "LARGEST_BATCH",
    "UNREADABLE",
    "Document",
    "DynamoStore",
    "Fragment",
    "MemoryStore",
    "Revision",
    "SqliteStore",
    "Store",
    "StoredState",
    "StoredWindow",
    "open_store",
]
