"""Slowdowns of a fifth, planted in a copy of the sources: every fifth call does its work twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KERNEL_TABLE = "static PyMethodDef engine_methods[] = {"
KERNEL = """
static PyObject *predict_planted(PyObject *object, PyObject *row) {
    static unsigned calls;
    if (++calls % 5 == 0) Py_XDECREF(predict(object, row));
    return predict(object, row);
}

"""
HANDLER = """

_calls = 0


def _planted(event, context, _handle=handler):
    global _calls
    _calls += 1
    if _calls % 5 == 0:
        _handle(event, context)
    return _handle(event, context)


handler = _planted
"""
EVIDENCE = """

def _planted(self, bins, *, _update=MixtureDetector.update_event, **options):
    if "_twin" not in self.__dict__:
        self.__dict__["_twin"] = MixtureDetector(self.settings)
    twin = self.__dict__["_twin"]
    self.__dict__["_calls"] = self.__dict__.get("_calls", 0) + 1
    if self.__dict__["_calls"] % 5 == 0:
        _update(twin, bins, **options)
    return _update(self, bins, **options)


MixtureDetector.update_event = _planted
"""


def replace(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there once. Raises ValueError otherwise."""
    text = path.read_text()
    if text.count(old) != 1:
        raise ValueError(f"{path.name}: expected one place to plant the slowdown at; move the planting with the code")
    path.write_text(text.replace(old, new))


def in_the_kernel(tree: Path) -> None:
    """Slow down one row in the compiled engine."""
    path = tree / "engine/src/drift_engine/forest/_kernel.c"
    replace(path, KERNEL_TABLE, KERNEL + KERNEL_TABLE)
    replace(path, '{"predict", predict,', '{"predict", predict_planted,')


def in_the_handler(tree: Path) -> None:
    """Slow down one request."""
    path = tree / "services/predictor/src/drift_predictor/handler.py"
    path.write_text(path.read_text() + HANDLER)


def in_the_evidence(tree: Path) -> None:
    """Slow down the evidence for one event."""
    path = tree / "ml/src/drift_ml/evidence/__init__.py"
    path.write_text(path.read_text() + EVIDENCE)


PLANTS = {"kernel": in_the_kernel, "handler": in_the_handler, "evidence": in_the_evidence}
