"""The few lines that write a library's answers beside the rows, for where the model was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_ml.converters.catboost_booster import prediction_of

if TYPE_CHECKING:
    from pathlib import Path

    from .request import Packed

#: Without these, numpy's exponential is as exact as the C library's (docs/exactness.md).
FEATURES = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4"
#: By form of the file: what is imported, and what loads the model.
LOADERS = {
    "pickle": ("import joblib", "joblib.load({name!r})"),
    "skops": (
        "import skops.io",
        "skops.io.load({name!r}, trusted=skops.io.get_untrusted_types(file={name!r}))",
    ),
    "xgboost": ("import xgboost", "xgboost.Booster(model_file={name!r})"),
    "lightgbm": ("import lightgbm", "lightgbm.Booster(model_file={name!r})"),
    # It reads numbers of its own JSON less exactly than it writes them.
    "catboost": ("import catboost", "catboost.CatBoost().load_model({stem!r} + '.cbm')"),
}
ESTIMATORS = ("pickle", "skops")
#: Forms whose answer to two classes is both probabilities.
BOTH = (*ESTIMATORS, "catboost")


def answers_script(packed: Packed, data: Path) -> tuple[str, tuple[str, ...]]:
    """Return lines of Python that write the answers, and the columns that they have.

    Args:
        packed: What was packed.
        data: The rows.
    """
    file, target = packed.file, packed.features.target
    form = file.form if file.form in LOADERS else "pickle"
    importing, loading = LOADERS[form]
    columns = _columns(packed)
    read = "read_parquet" if data.suffix in (".parquet", ".pq") else "read_csv"
    names = "list(model.feature_names_in_)"
    if not hasattr(file.estimator, "feature_names_in_"):
        names = str([feature.column or feature.name for feature in packed.features.features])
    call = _call(file.form, packed.kind, is_class=target.is_class)
    options = ""
    if file.form == "catboost":
        # Its base class, which any file of its loads into, would answer with raw scores.
        options = f", prediction_type={prediction_of(file.estimator)!r}"
    lines = (
        "import os",
        f'os.environ["NPY_DISABLE_CPU_FEATURES"] = "{FEATURES}"',
        f"{importing}, pandas",
        f"model = {loading.format(name=file.path.name, stem=file.path.stem)}",
        f"rows = pandas.{read}({data.name!r})  # with the types that it was fitted on",
        f"answers = model.{call}(rows[{names}]{options}).reshape(len(rows), -1)",
        f"rows[{list(columns)}] = answers",
        f"rows.to_csv({f'{data.stem}-answers.csv'!r}, index=False)",
    )
    return "\n".join(lines), columns


def _columns(packed: Packed) -> tuple[str, ...]:
    """Return the columns of answers: one for each value that the library's call returns."""
    target = packed.features.target
    count = len(target.classes) or len(target.outputs) or 1
    is_pair = len(target.classes) == len(("no", "yes")) and packed.file.form not in BOTH
    if count == 1 or is_pair:
        return ("answer",)
    return tuple(f"answer_{place}" for place in range(count))


def _call(
    form: str,
    kind: str,
    *,
    is_class: bool,
) -> str:
    """Return the method whose values a packed model answers with."""
    if kind == "IsolationForest":
        return "score_samples"
    if form == "xgboost":
        return "inplace_predict"
    return "predict_proba" if is_class and form in ESTIMATORS else "predict"
