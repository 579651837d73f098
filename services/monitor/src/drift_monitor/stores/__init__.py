"""Where windows and detector states are kept: one interface, three homes.

`DynamoStore` on AWS, `SqliteStore` on one machine, `MemoryStore` in tests. One battery of tests runs on all.
"""

from .dynamo import DynamoStore
from .memory import MemoryStore
from .protocol import Fragment, Revision, Store, StoredState, StoredWindow
from .sqlite import SqliteStore

__all__ = [
    "DynamoStore",
    "Fragment",
    "MemoryStore",
    "Revision",
    "SqliteStore",
    "Store",
    "StoredState",
    "StoredWindow",
]
