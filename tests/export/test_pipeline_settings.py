"""Settings of steps, each proven or refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from drift_engine.model.writer import encode
from drift_ml.converters import CannotServe, NotExact, convert, prove, scikit_linear

from tools.exactness.pipelines import chain, columns, filled, make, one_hot, trees

REGRESSOR = "RandomForestRegressor"
SETTINGS = {
    "nothing scaled": lambda: [make("StandardScaler", with_mean=False, with_std=False)],
    "nothing centred": lambda: [make("RobustScaler", with_centering=False, with_scaling=False)],
    "largest clipped": lambda: [make("MaxAbsScaler", clip=True)],
    "range without clipping": lambda: [make("MinMaxScaler")],
    "powers of one degree": lambda: ["passthrough", make("PolynomialFeatures", (2, 2), include_bias=False)],
    "function that validates": lambda: [make("FunctionTransformer", np.sqrt, validate=True), make("Binarizer")],
    "nothing done": lambda: [make("FunctionTransformer")],
}


def proven(estimator, data):
    """Return the grade of a fitted estimator."""
    converted = convert(estimator, data.feature_set)
    return prove(encode(converted.model), converted, data.feature_set, data.rows, hard=300).grade


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(name, whole):
    """Settings that leave a part of a step out are exact too."""
    matrix = np.abs(whole.matrix) if name == "function that validates" else whole.matrix
    steps = SETTINGS[name]()
    if name == "function that validates":
        steps = [make("FunctionTransformer", np.abs), *steps]
    assert proven(chain(*steps, trees(REGRESSOR)).fit(matrix, whole.number), whole) == "exact"


def test_numeric_categories(with_missing):
    """Encoders of numbers find them, and know what is missing."""
    for encoder in (
        make("OrdinalEncoder", handle_unknown="use_encoded_value", unknown_value=-2, encoded_missing_value=-1),
        one_hot(),
    ):
        places = make("ColumnTransformer", [("kind", encoder, [5])], remainder=make("SimpleImputer"))
        pipeline = chain(places, trees(REGRESSOR)).fit(with_missing.matrix, with_missing.number)
        assert proven(pipeline, with_missing) == "exact"


def test_texts_in_an_array(whole):
    """An array may hold texts, which its columns' places choose."""
    texts = whole.frame().to_numpy(dtype=object)
    places = make("ColumnTransformer", [("kind", one_hot(), [5])], remainder="passthrough")
    assert proven(chain(places, trees(REGRESSOR)).fit(texts, whole.number), whole) == "exact"


def test_places_in_a_frame(whole):
    """A data frame may hold the places of categories, and its steps may name their columns."""
    frame = pd.DataFrame(whole.matrix, columns=list(whole.feature_set.names))
    encoder = make("OrdinalEncoder", handle_unknown="use_encoded_value", unknown_value=-2)
    places = make("ColumnTransformer", [("kind", encoder, [5])], remainder="passthrough")
    pipeline = chain(places, trees(REGRESSOR)).set_output(transform="pandas")
    assert proven(pipeline.fit(frame, whole.number), whole) == "exact"


def test_sparse_columns_scaled(with_missing):
    """A sparse matrix is multiplied by reciprocals, as the library scales it."""
    sparse = columns(filled(), one_hot(), sparse_threshold=1.0)
    pipeline = chain(sparse, make("StandardScaler", with_mean=False), trees(REGRESSOR))
    assert proven(pipeline.fit(with_missing.frame(), with_missing.number), with_missing) == "exact"
    powers = chain(sparse, make("PolynomialFeatures"), trees(REGRESSOR))
    with pytest.raises(CannotServe, match="PolynomialFeatures"):
        convert(powers.fit(with_missing.frame(), with_missing.number), with_missing.feature_set)


@pytest.mark.filterwarnings("ignore:Skipping features")
def test_empty_column_dropped(whole):
    """A column that had no value in fit is left out by an imputer."""
    matrix = whole.matrix.copy()
    matrix[:, 0] = np.nan
    pipeline = chain(make("SimpleImputer"), trees(REGRESSOR)).fit(matrix, whole.number)
    assert proven(pipeline, whole) == "exact"


@pytest.mark.parametrize("options", [{}, {"with_mean": False, "with_std": False}], ids=["range", "nothing"])
def test_target_scaled_back(options, whole):
    """A target's scale is undone in the library's order."""
    scaler = make("StandardScaler", **options) if options else make("MinMaxScaler")
    model = make("TransformedTargetRegressor", trees(REGRESSOR), transformer=scaler)
    assert proven(model.fit(whole.matrix, whole.number), whole) == "exact"


def test_other_refusals(whole):
    """A setting that cannot be served is named."""
    power = make("TransformedTargetRegressor", trees(REGRESSOR), transformer=make("PowerTransformer"))
    function = make("FunctionTransformer", np.abs, kw_args={"dtype": None})
    warmth = make("CalibratedClassifierCV", trees("RandomForestClassifier"), method="temperature", cv=2)
    for estimator, words in (
        (power.fit(whole.matrix, whole.number), "transformer"),
        (warmth.fit(whole.matrix, whole.labels(2)), "Temperature"),
        (chain(function, trees(REGRESSOR)).fit(whole.matrix, whole.number), "kw_args"),
    ):
        with pytest.raises(CannotServe, match=words):
            convert(estimator, whole.feature_set)


def test_columns_that_elimination_left(whole):
    """A recursive elimination says which columns it left."""
    pipeline = chain(make("RFE", trees(REGRESSOR), n_features_to_select=3), trees(REGRESSOR))
    assert proven(pipeline.fit(whole.matrix, whole.number), whole) == "exact"


def test_linear_settings(whole, monkeypatch):
    """Links and older ways to several classes have their own steps."""
    tweedie = make("TweedieRegressor", power=0, link="log").fit(whole.matrix / 50, whole.positive)
    assert convert(tweedie, whole.feature_set).model.outputs == 1
    descent = make("SGDClassifier", loss="log_loss", random_state=0).fit(whole.matrix, whole.labels(2))
    assert proven(descent, whole) in ("nearest", "exact")
    three = make("LogisticRegression", max_iter=900).fit(whole.matrix, whole.labels(3))
    three.multi_class = "ovr"
    assert "sum" in [step.name for step in convert(three, whole.feature_set).model.program.steps]
    two = make("LogisticRegression", max_iter=900).fit(whole.matrix, whole.labels(2))
    two.multi_class = "multinomial"
    monkeypatch.setattr(scikit_linear, "version_numbers", lambda _: (1, 5))
    assert convert(two, whole.feature_set).model.outputs == 2


def test_refused_by_one_alone(whole, with_missing):
    """A row that only the packed model refuses is found."""
    pipeline = chain(make("StandardScaler"), trees(REGRESSOR)).fit(whole.matrix / 1e9, whole.number)
    converted = convert(pipeline, whole.feature_set)
    answers = replace(converted.reference, scores=lambda rows: np.zeros((len(rows), 1)))
    with pytest.raises(NotExact, match="refusals"):
        prove(encode(converted.model), replace(converted, reference=answers), whole.feature_set, whole.rows, hard=300)
    boosted = chain(make("StandardScaler"), trees("GradientBoostingRegressor")).fit(whole.matrix, whole.number)
    converted = convert(boosted, with_missing.feature_set)
    with pytest.raises(CannotServe, match="refuses"):
        prove(encode(converted.model), converted, with_missing.feature_set, with_missing.rows, hard=20)
