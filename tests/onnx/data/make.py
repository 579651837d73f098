"""Write the ONNX files of the tests, and rows with the answers of what they were made from.

    python make.py

It needs scikit-learn, skl2onnx and onnx; the versions that wrote the files are in each of them.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HERE = Path(__file__).parent
ROWS = 120
OPSET = {"": 17, "ai.onnx.ml": 3}


def main() -> None:
    """Write three models and their rows."""
    random = np.random.default_rng(5)
    size, age = np.round(random.normal(80, 20, ROWS), 2), random.integers(0, 60, ROWS)
    street = random.choice(["calm", "loud"], ROWS)
    price = np.round(size * 3 - age + 20 * (street == "calm") + random.normal(size=ROWS), 2)
    sold = np.where(price > np.median(price), "yes", "no")
    numbers = np.column_stack([size, age]).astype(np.float32)
    frame = pandas.DataFrame({"size": size, "age": age, "street": street})

    forest = RandomForestRegressor(5, max_depth=4, random_state=0).fit(numbers, price)
    classifier = RandomForestClassifier(5, max_depth=3, random_state=0).fit(numbers, sold)
    encoder = OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer((encoder, ["street"]), (StandardScaler(), ["size", "age"]))
    pipeline = make_pipeline(columns, LogisticRegression()).fit(frame, sold)
    table = [("numbers", FloatTensorType([None, 2]))]
    inputs = [
        ("size", FloatTensorType([None, 1])),
        ("age", Int64TensorType([None, 1])),
        ("street", StringTensorType([None, 1])),
    ]
    plain = {"zipmap": False}
    for name, model, types, options in (
        ("forest", forest, table, None),
        ("classes", classifier, table, None),
        ("pipeline", pipeline, inputs, {id(pipeline): plain}),
    ):
        made = to_onnx(model, initial_types=types, options=options, target_opset=OPSET)
        (HERE / f"{name}.onnx").write_bytes(made.SerializeToString())
    answers = {
        "forest": forest.predict(numbers),
        "classes": classifier.predict_proba(numbers)[:, 1],
        "pipeline": pipeline.predict_proba(frame)[:, 1],
    }
    listed = {"size": size, "age": age, "street": street, "price": price, "sold": sold, **answers}
    with (HERE / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(listed)
        writer.writerows(zip(*(values.tolist() for values in listed.values()), strict=True))


if __name__ == "__main__":
    main()
