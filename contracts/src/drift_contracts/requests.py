"""The judge of prediction requests: built once from a feature set, plain Python, a few microseconds a row."""

from __future__ import annotations

import json
import re
from math import inf, nan, nextafter

from drift_contracts import documents
from drift_contracts.compose import request_schema
from drift_contracts.errors import ContractError
from drift_contracts.keywords import violations
from drift_contracts.parsing import parse_json
from drift_contracts.value_schema import FLOAT32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from drift_contracts.features import Feature, FeatureSet

    Row = tuple[float, ...]
    Step = tuple[str, type | None, bool, float, float, dict[Any, float]]

REQUEST = "prediction.request.v1"
BATCH = "prediction.batch.request.v1"
#: Bytes that a body may have, packed and unpacked.
PREDICT_BYTES = 1 << 20
BATCH_BYTES = 5 << 20
#: Bytes of an answer as Lambda packs it, and instances of a batch.
ANSWER_BYTES = 6_000_000
BATCH_INSTANCES = 1000
WHITE_SPACE = " \t\n\r"
_scan = json.JSONDecoder().raw_decode


class RequestValidator:
    """Reads requests of one model into rows of floats, or says everything that is wrong with them.

    The way of a good request is a loop over precomputed tuples. Whatever leaves that way is judged by the
    composed schema, which is what the published contract is.
    """

    def __init__(self, feature_set: FeatureSet) -> None:
        self.feature_set = feature_set
        self.schema = request_schema(feature_set)
        self._batch_schema = documents.schema(BATCH)
        self._steps: tuple[Step, ...] = tuple(map(_step, feature_set.features))
        self._is_id = re.compile(self.schema["properties"]["prediction_id"]["pattern"]).fullmatch

    def parse(self, body: bytes) -> tuple[dict[str, Any], Row]:
        """A request and its row from JSON in UTF-8: `parse_json`, then `row`, in half the time for a good request.

        What the standard parser lets through and strict JSON does not cannot hide in what is accepted here: a
        number that is no number or too large is outside of a feature's bounds, a name given twice is one colon more
        than names, and nothing is nested deeper or escaped. All else is read again, strictly.
        Raises NotJson and ContractError.
        """
        try:
            text = body.decode().strip(WHITE_SPACE)
            request, end = _scan(text)
        except (ValueError, RecursionError):
            request, end, text = None, 0, ""
        if type(request) is dict and end == len(text) and "\\" not in text:
            row = self._good(request)
            if row is not None and text.count(":") == len(request) + len(row):
                return request, row
        request = parse_json(body)
        return request, self.row(request)

    def row(self, instance: Any, pointer: str = "") -> Row:
        """The encoded row of a request, in feature order; `pointer` is where the request stands in a batch.

        Numbers become floats, booleans 0 or 1, a category its index, an open category's newcomer the number
        of known ones, null NaN. Raises ContractError with every violation.

        >>> from drift_contracts import feature_set
        >>> house = feature_set("house-price")
        >>> RequestValidator(house).row({"features": house.example})
        (3.0, 2.0, 2000.0, 10.0, 7.0)
        """
        if type(instance) is dict:
            row = self._good(instance)
            if row is not None:
                return row
        return self._judge(instance, pointer)

    def instances(self, document: Any) -> list[Any]:
        """The instances of a batch, not yet judged. Raises ContractError if the frame breaks its contract."""
        found = tuple(violations(self._batch_schema, document))
        if found:
            raise ContractError(BATCH, found)
        instances: list[Any] = document["instances"]
        return instances

    def _good(self, request: dict[str, Any]) -> Row | None:
        """The row of a request that needs no second look."""
        if len(request) == 1 or self._has_id(request):
            features = request.get("features")
            if type(features) is dict and len(features) == len(self._steps):
                return self._read(features)
        return None

    def _has_id(self, instance: dict[str, Any]) -> bool:
        given = instance.get("prediction_id")
        both = {"features", "prediction_id"}
        return instance.keys() == both and type(given) is str and self._is_id(given) is not None

    def _read(self, features: dict[str, Any]) -> Row | None:
        row = []
        for name, kind, whole, low, high, codes in self._steps:
            value: Any = features.get(name)
            found = type(value)
            if kind is None:
                if (
                    found is int or (found is float and not (whole and not value.is_integer()))
                ) and low <= value <= high:
                    row.append(float(value))
                    continue
            elif found is kind and value in codes:
                row.append(codes[value])
                continue
            return None
        return tuple(row)

    def _judge(self, instance: Any, pointer: str) -> Row:
        found = tuple(violations(self.schema, instance, pointer))
        if found:
            raise ContractError(REQUEST, found)
        features = instance["features"]
        return tuple(_code(step, features[step[0]]) for step in self._steps)


def _step(feature: Feature) -> Step:
    if feature.type == "category":
        return (
            feature.name,
            str,
            False,
            0.0,
            0.0,
            {name: float(i) for i, name in enumerate(feature.categories)},
        )
    if feature.type == "boolean":
        return feature.name, bool, False, 0.0, 0.0, {False: 0.0, True: 1.0}
    low = max(_or(feature.minimum, -FLOAT32), nextafter(_or(feature.exclusive_minimum, -inf), inf))
    high = min(_or(feature.maximum, FLOAT32), nextafter(_or(feature.exclusive_maximum, inf), -inf))
    return feature.name, None, feature.type == "integer", low, high, {}


def _or(bound: float | None, default: float) -> float:
    return default if bound is None else bound


def _code(step: Step, value: Any) -> float:
    if value is None:
        return nan
    return float(value) if step[1] is None else step[5].get(value, float(len(step[5])))
