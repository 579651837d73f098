"""The validator of prediction requests: built once from a feature set, some microseconds a row."""

from __future__ import annotations

import json
import re
from math import inf, nan, nextafter

from drift_contracts import documents
from drift_contracts.errors import ContractError
from drift_contracts.keywords import violations
from drift_contracts.parsing import parse_json
from drift_contracts.value_schema import FLOAT32, LONGEST, SHORTEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from drift_contracts.features import Feature, FeatureSet
    from drift_contracts.json_types import JsonObject

    Row = tuple[float, ...]
    #: How a feature's value becomes a float: the feature's name, the Python type of its values
    #: (None for numbers), whether they are whole, their bounds, and the code of each category.
    #: A tuple, because unpacking one is the cheapest that a loop over features can do.
    Encoder = tuple[str, type | None, bool, float, float, dict[Any, float]]

REQUEST = "prediction.request.v1"
BATCH = "prediction.batch.request.v1"
#: Bytes that a body may have, packed and unpacked.
PREDICT_BYTES = 1 << 20
BATCH_BYTES = 5 << 20
#: Bytes of an answer as Lambda packs it.
ANSWER_BYTES = 6_000_000
BATCH_INSTANCES = 1000
WHITE_SPACE = " \t\n\r"
_scan = json.JSONDecoder().raw_decode


class RequestValidator:
    """Reads requests of one model into rows of floats, or names everything that is wrong.

    The way of a good request is a loop over precomputed tuples. Whatever leaves that way is
    validated by the composed schema, which is what the published contract is.
    """

    def __init__(self, feature_set: FeatureSet) -> None:
        self.feature_set = feature_set
        features = feature_set.features
        self._encoders = tuple(map(_encoder, features))
        self._nullable = frozenset(feature.name for feature in features if feature.nullable)
        self._open = frozenset(feature.name for feature in features if feature.other)
        # What a good request without an id never needs is made when it is needed: reading two
        # schemas and compiling a pattern would lengthen every cold start.
        self._schema: JsonObject | None = None
        self._batch_schema: JsonObject | None = None
        self._is_id: Callable[[str], object] | None = None

    @property
    def schema(self) -> JsonObject:
        """The JSON Schema of the model's requests."""
        if self._schema is None:
            # As above: most instances of the service never compose a schema.
            from drift_contracts.compose import request_schema  # noqa: PLC0415

            self._schema = request_schema(self.feature_set)
        return self._schema

    def parse(self, body: bytes) -> tuple[JsonObject, Row]:
        """Return a request and its row from JSON in UTF-8.

        As `parse_json`, then `row`, in half the time for a good request.

        Raises:
            NotJson: The body is not strict JSON.
            ContractError: The request breaks its contract.
        """
        try:
            text = body.decode().strip(WHITE_SPACE)
            request, end = _scan(text)
        except (ValueError, RecursionError):
            request, end, text = None, 0, ""
        # The standard parser is fast and lets things through that strict JSON does not have. None
        # of them can hide in what is accepted here: NaN and numbers that are too large are outside
        # of any feature's bounds, nothing is nested deeper than the features, nothing is escaped.
        if type(request) is dict and end == len(text) and "\\" not in text:
            row = self._good_row(request)
            # A member that is named twice leaves one colon more than there are members. So does a
            # category with a colon in it, which is only read again.
            if row is not None and text.count(":") == len(request) + len(row):
                return request, row
        request = parse_json(body)
        return request, self.row(request)

    def row(self, instance: Any, pointer: str = "") -> Row:
        """Return the encoded row of a request, in feature order.

        Numbers become floats, booleans 0 or 1, a category its index, a new category of an open
        feature the number of those that are listed, null NaN.

        Args:
            instance: The parsed request.
            pointer: Where the request stands in a batch.

        Raises:
            ContractError: The request breaks its contract; every violation is named.

        >>> from drift_contracts import feature_set
        >>> house = feature_set("house-price")
        >>> RequestValidator(house).row({"features": house.example})
        (3.0, 2.0, 2000.0, 10.0, 7.0)
        """
        if type(instance) is dict:
            row = self._good_row(instance)
            if row is not None:
                return row
        return self._validated_row(instance, pointer)

    def instances(self, document: Any) -> list[Any]:
        """Return the instances of a batch, not yet validated.

        Raises:
            ContractError: The batch around the instances breaks its contract.
        """
        if self._batch_schema is None:
            self._batch_schema = documents.schema(BATCH)
        broken = tuple(violations(self._batch_schema, document))
        if broken:
            raise ContractError(BATCH, broken)
        instances: list[Any] = document["instances"]
        return instances

    def _good_row(self, request: JsonObject) -> Row | None:
        """Return the row of a request that needs no second look."""
        if len(request) == 1 or self._has_only_an_id(request):
            features = request.get("features")
            if type(features) is dict and len(features) == len(self._encoders):
                return self._encoded(features)
        return None

    def _has_only_an_id(self, request: JsonObject) -> bool:
        """Return whether a request has features and a valid prediction_id, and nothing else."""
        identity = request.get("prediction_id")
        if type(identity) is not str or request.keys() != {"features", "prediction_id"}:
            return False
        if self._is_id is None:
            properties: Any = documents.schema(REQUEST)["properties"]
            self._is_id = re.compile(properties["prediction_id"]["pattern"]).fullmatch
        return self._is_id(identity) is not None

    # written out in one loop, for it runs for every value of every request
    def _encoded(self, features: JsonObject) -> Row | None:
        """Return the row of features that are all as they should be."""
        row = []
        for name, kind, whole, low, high, codes in self._encoders:
            value: Any = features.get(name)
            value_type = type(value)
            if kind is None:
                # not isinstance: a boolean is an int for Python, and no number for JSON
                if (
                    value_type is int
                    or (value_type is float and not (whole and not value.is_integer()))
                ) and low <= value <= high:
                    row.append(float(value))
                    continue
            elif value_type is kind and value in codes:
                row.append(codes[value])
                continue
            code = self._rarer(name, value, codes) if name in features else None
            if code is None:
                return None
            row.append(code)
        return tuple(row)

    def _rarer(self, name: str, value: Any, codes: Mapping[Any, float]) -> float | None:
        """Return the float of a value that only some features take, None for all others.

        A null is one, and a new category of an open feature: the composed schema, which allows them
        too, would take fifty times as long.
        """
        if value is None and name in self._nullable:
            return nan
        if type(value) is str and name in self._open and SHORTEST <= len(value) <= LONGEST:
            # A new category has the code after the last one.
            return float(len(codes))
        return None

    def _validated_row(self, instance: Any, pointer: str) -> Row:
        """Return the row of a request that the composed schema allows. Raises ContractError."""
        broken = tuple(violations(self.schema, instance, pointer))
        if broken:
            raise ContractError(REQUEST, broken)
        features = instance["features"]
        return tuple(_code(encoder, features[encoder[0]]) for encoder in self._encoders)


def _encoder(feature: Feature) -> Encoder:
    if feature.type == "category":
        codes = {name: float(index) for index, name in enumerate(feature.categories)}
        return feature.name, str, False, 0.0, 0.0, codes
    if feature.type == "boolean":
        return feature.name, bool, False, 0.0, 0.0, {False: 0.0, True: 1.0}
    # the next float after an open bound is the closed bound that allows the same floats
    after = -inf if feature.exclusive_minimum is None else feature.exclusive_minimum
    before = inf if feature.exclusive_maximum is None else feature.exclusive_maximum
    low = max(_or(feature.minimum, -FLOAT32), nextafter(after, inf))
    high = min(_or(feature.maximum, FLOAT32), nextafter(before, -inf))
    return feature.name, None, feature.type == "integer", low, high, {}


def _or(bound: float | None, default: float) -> float:
    return default if bound is None else bound


def _code(encoder: Encoder, value: Any) -> float:
    """Return the float for a value that the schema allows."""
    _, kind, _, _, _, codes = encoder
    if value is None:
        return nan
    if kind is None:
        return float(value)
    # a new category of an open feature has the code after the last one
    return codes.get(value, float(len(codes)))
