"""What versions of a library keep in the state of an object, under the names that it is read by.

Most objects are read by their attributes as they are. A compiled one, such as a tree, keeps arrays
of records instead; later versions added members to these, so a member that is absent is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drift_ml.converters.estimators import Lifeless, library_and_class

from .errors import Broken

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: A tree's attribute by its member in a node.
NODE_MEMBERS = {
    "left_child": "children_left",
    "right_child": "children_right",
    "feature": "feature",
    "threshold": "threshold",
    "impurity": "impurity",
    "n_node_samples": "n_node_samples",
    "weighted_n_node_samples": "weighted_n_node_samples",
    # Since scikit-learn 1.3.
    "missing_go_to_left": "missing_go_to_left",
}
#: Members of a node that every version has.
NEEDED = ("left_child", "right_child", "feature", "threshold")


def finish(record: Lifeless) -> None:
    """Give a record that has its state the attributes by which its library reads it.

    Raises:
        Broken: its state has no place for them.
    """
    finisher = FINISHERS.get(library_and_class(record))
    if finisher is not None:
        finisher(record, vars(record))


def _tree(_record: Lifeless, members: dict[str, Any]) -> None:
    """Add a tree's arrays by node to its attributes."""
    nodes, values = members.get("nodes"), members.get("values")
    if not isinstance(nodes, np.ndarray) or not isinstance(values, np.ndarray):
        raise Broken("a tree has no nodes")
    names = nodes.dtype.names or ()
    if not set(NEEDED) <= set(names):
        raise Broken("a tree has no nodes of a version that is read")
    if values.ndim != len(("nodes", "outputs", "classes")) or len(values) != len(nodes):
        raise Broken("a tree has more or fewer values than nodes")
    for name in names:
        if name in NODE_MEMBERS:
            members[NODE_MEMBERS[name]] = nodes[name]
    members["value"] = values
    members["node_count"] = len(nodes)


#: By library and class.
FINISHERS: dict[tuple[str, str], Callable[[Lifeless, dict[str, Any]], None]] = {
    ("sklearn", "Tree"): _tree,
}
