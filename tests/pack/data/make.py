"""Makes the models of an older scikit-learn beside this file, with that version's own answers.

Run it where that version is installed, with numpy as any processor computes (docs/exactness.md):

    python -m venv old && old/bin/pip install scikit-learn==1.2.2 "numpy<2" joblib
    NPY_DISABLE_CPU_FEATURES="AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL" old/bin/python make.py

The rows are drawn by a seed, so that they are nobody's data.
"""

from __future__ import annotations

from pathlib import Path

import joblib
import numpy as np
import sklearn
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
)

FOLDER = Path(__file__).parent / f"scikit-learn-{sklearn.__version__}"
ROWS = 120


def main() -> None:
    """Write a file for each model, and a table with the rows and all answers."""
    random = np.random.default_rng(20)
    rows = np.round(random.normal(size=(ROWS, 4)), 3)
    rows[:, 3] = random.integers(0, 5, ROWS)
    number = rows[:, 0] * 2 + rows[:, 1] ** 2 + rows[:, 3]
    late = (number > np.median(number)).astype(int)
    models = {
        "forest": RandomForestClassifier(4, max_depth=4, random_state=0).fit(rows, late),
        "extra": ExtraTreesRegressor(4, max_depth=4, random_state=0).fit(rows, number),
        "boosting": GradientBoostingClassifier(n_estimators=5, random_state=0).fit(rows, late),
        "histogram": HistGradientBoostingClassifier(max_iter=5).fit(rows, late),
        "categories": HistGradientBoostingRegressor(max_iter=5, categorical_features=[3]).fit(rows, number),
        "isolation": IsolationForest(n_estimators=5, random_state=0).fit(rows),
    }
    FOLDER.mkdir(exist_ok=True)
    columns = {f"x{place}": rows[:, place] for place in range(4)} | {"number": number, "late": late}
    for name, model in models.items():
        joblib.dump(model, FOLDER / f"{name}.joblib", compress=("xz", 9))
        columns[name] = answers_of(model, rows)
    cells = zip(*(column.tolist() for column in columns.values()), strict=True)
    lines = [",".join(columns), *(",".join(map(repr, values)) for values in cells)]
    (FOLDER / "rows.csv").write_text("\n".join(lines) + "\n")


def answers_of(model, rows):
    """Return a model's own answers: the last class's probability, or numbers."""
    if hasattr(model, "predict_proba"):
        return model.predict_proba(rows)[:, 1]
    return model.score_samples(rows) if hasattr(model, "score_samples") else model.predict(rows)


if __name__ == "__main__":
    main()
