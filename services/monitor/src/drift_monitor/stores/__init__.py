"""Where windows and detector states are kept: one interface, three homes.

`DynamoStore` on AWS, `SqliteStore` on one machine, `MemoryStore` in tests. One battery of tests runs on all.
"""

from .dynamo import DynamoStore
from .files import FORMAT, open_store
from .memory import MemoryStore
from .packing import UNREADABLE
from .protocol import LARGEST_BATCH, Fragment, Revision, Store, StoredState, StoredWindow
from .sqlite import SqliteStore

__all__ = [
    "FORMAT",
    "LARGEST_BATCH",
    "UNREADABLE",
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
