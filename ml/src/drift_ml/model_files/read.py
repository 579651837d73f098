"""A model's file or folder of any form that is read, as an object without code."""

from __future__ import annotations

import json
import mmap
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from drift_ml.converters.estimators import Lifeless

from .errors import Broken, FileRefused
from .joblib_files import compression_of, read_joblib, unpack
from .mlflow_folders import DESCRIPTION, read_description
from .records import Records, describe
from .skops_files import is_skops, read_skops

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

FORMS = (
    "a joblib or pickle file, a skops file, an MLflow folder, XGBoost's .ubj or .json, LightGBM's"
    " text or CatBoost's .json"
)
SAVE = {
    "catboost": "save the other form: model.save_model('model.json', format='json')",
    "xgboost": "save the other form: Booster(model_file='model.bin').save_model('model.ubj')",
    "onnx": "pack it with its own runtime: driftctl pack takes the file, and rows beside it",
}
#: Bytes of a document of JSON, which takes some ten times as much in memory.
MOST_DOCUMENT = 512 << 20


@dataclass(frozen=True)
class ModelFile:
    """An estimator out of a file."""

    #: Lifeless: attributes, and nothing that could run.
    estimator: Lifeless
    #: "pickle", "skops", "xgboost", "lightgbm" or "catboost".
    form: str
    #: The file that it was read from; of a folder, the one that the folder names.
    path: Path
    #: Names of its columns that only a folder's signature knows.
    columns: tuple[str, ...] = ()


def read_model(path: Path) -> ModelFile:
    """Return the estimator in a file or an MLflow folder; nothing of it is executed.

    Args:
        path: Of the file, or the folder.

    Raises:
        FileRefused: it is no model of a form that is read, or would harm its reader.
    """
    try:
        if path.is_dir():
            return _read_folder(path)
        return _read_file(path)
    except Broken as error:
        raise FileRefused(path.name, str(error), f"expected {FORMS}") from None
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise FileRefused(path.name, reason, "name a file that can be read") from None


def _read_folder(folder: Path) -> ModelFile:
    if not (folder / DESCRIPTION).is_file():
        raise Broken(f"a folder without {DESCRIPTION}, which MLflow's have")
    described = read_description(folder)
    model = _read_file(described.file)
    return replace(model, columns=described.columns)


def _read_file(path: Path) -> ModelFile:
    size = path.stat().st_size
    if not size:
        raise Broken("it is empty")
    with path.open("rb") as file:
        start = file.read(64)
        form = _form(start, path)
        _refuse(form, path)
        if form in _DOCUMENTS:
            if size > MOST_DOCUMENT:
                raise Broken(f"it is larger than {MOST_DOCUMENT} bytes")
            return ModelFile(*_DOCUMENTS[form](path.read_bytes()), path)
        if form == "skops":
            return _checked(read_skops(path, Records()), "skops", path)
        file.seek(0)
        if form == "pickle":
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        else:
            content = unpack(file, size, form)
    return _checked(read_joblib(content, Records()), "pickle", path)


def _form(start: bytes, path: Path) -> str:
    """Return what a file is by its first bytes, "" where it is nothing that is known."""
    for magic, form in _STARTS.items():
        if start.startswith(magic):
            return form
    if start.startswith(b"PK\x03\x04"):
        return "skops" if _has_schema(path) else "zip"
    packed = compression_of(start)
    if packed:
        return packed
    if start.lstrip()[:1] == b"{":
        return "json" if start[1:2] in (b'"', b" ", b"\n", b"\r", b"}", b"\t") else "ubj"
    # The oldest protocols have no mark.
    return "pickle" if start[:1] in (b"\x80", b"(", b"c", b"]", b"}") else ""


def _has_schema(path: Path) -> bool:
    try:
        return is_skops(path)
    except zipfile.BadZipFile:
        raise Broken("its archive is damaged") from None


#: First bytes, and the form that they are of.
_STARTS = {
    b"CBM1": "catboost",
    b"binf": "xgboost",
    b"bs64": "xgboost",
    b"tree\n": "lightgbm",
    b"ZF": "zfile",
    b"\x08": "onnx",
    b"\x93NUMPY": "npy",
    b"\x89HDF": "hdf5",
}


def _refuse(form: str, path: Path) -> None:
    """Raise FileRefused for a form that is known and not read."""
    if form in SAVE:
        kinds = {"catboost": "CatBoost's binary form", "xgboost": "XGBoost's old binary form"}
        kind = kinds.get(form, "an ONNX file")
        raise FileRefused(path.name, f"{kind} is not read", SAVE[form])
    if form in ("", "zip", "zfile", "npy", "hdf5"):
        if path.suffix in (".bin", ".model"):
            raise FileRefused(
                path.name, "no form that is known, such as an old XGBoost's", SAVE["xgboost"]
            )
        raise Broken("it is no model of a form that is known")


def _checked(
    estimator: Any,
    form: str,
    path: Path,
) -> ModelFile:
    """Return a model's file. Raises Broken where it holds something else."""
    if isinstance(estimator, dict | list | tuple):
        inside = estimator.values() if isinstance(estimator, dict) else estimator
        kinds = sorted({describe(value) for value in inside if isinstance(value, Lifeless)})
        listed = f" of {', '.join(kinds[:10])}" if kinds else ""
        reason = f"it holds a {type(estimator).__name__}{listed}, not one estimator"
        raise FileRefused(path.name, reason, "save the estimator alone, in a file of its own")
    if not isinstance(estimator, Lifeless):
        raise FileRefused(path.name, f"it holds a {describe(estimator)}", f"expected {FORMS}")
    return ModelFile(estimator, form, path)


def _booster(
    module: str,
    name: str,
    **members: object,
) -> Lifeless:
    """Return a booster as it would come out of a pickle of its library's."""
    booster = Records().record(module, name)
    vars(booster).update(members)
    return booster


def _read_lightgbm(content: bytes) -> tuple[Lifeless, str]:
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    return _booster("lightgbm.basic", "Booster", _handle=text), "lightgbm"


def _read_ubj(content: bytes) -> tuple[Lifeless, str]:
    return _booster("xgboost.core", "Booster", handle=content), "xgboost"


def _read_json(content: bytes) -> tuple[Lifeless, str]:
    """Return the booster of a JSON document, XGBoost's or CatBoost's."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise Broken("its JSON is damaged") from None
    names = document.keys() if isinstance(document, dict) else ()
    if "learner" in names:
        return _booster("xgboost.core", "Booster", handle=content), "xgboost"
    if "oblivious_trees" in names or "trees" in names or "model_info" in names:
        return _booster("catboost.core", "CatBoost", document=document), "catboost"
    raise Broken("its JSON is neither XGBoost's nor CatBoost's")


_DOCUMENTS: dict[str, Callable[[bytes], tuple[Lifeless, str]]] = {
    "lightgbm": _read_lightgbm,
    "ubj": _read_ubj,
    "json": _read_json,
}
