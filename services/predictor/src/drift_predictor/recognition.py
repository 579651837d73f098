"""Recognise sessions and callers, where a feature set names what tells them.

Events have a digest, never the text: equal texts have equal digests, so that requests of one
session can be counted together. It protects against reading along. It has no secret, so that who
guesses a text can tell that it is in an event. A model whose feature set names nothing never
imports this.
"""

from __future__ import annotations

from drift_contracts.pseudonyms import pseudonym

from drift_predictor.events import header_of
from drift_predictor.lines import LineTemplates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

    from drift_contracts import FeatureSet
    from drift_contracts.features import Source
    from drift_contracts.json_types import JsonScalar
    from drift_contracts.types import PredictionRequestV1

    from drift_predictor.values import Request

#: Characters that a session or a caller may have; what is longer names none.
MOST_CHARACTERS = 1024


class RecognisedLines(LineTemplates):
    """The lines of a model of one number whose events may name sessions and callers."""

    __slots__ = ()

    contract = "prediction.event.v2"


class Recogniser:
    """Finds what names the session and the caller of a request."""

    __slots__ = ("_model", "_sources")

    def __init__(self, feature_set: FeatureSet) -> None:
        """Take the sources of a feature set.

        Args:
            feature_set: names a session, a caller or both.
        """
        self._model = feature_set.name
        self._sources = [*feature_set.sources.items()]

    def marked(self, line: str, request: PredictionRequestV1, call: Request | None) -> str:
        """Return the line of an event with the digests of its session and its caller.

        What cannot be used is left out: no request fails because it is watched.

        Args:
            line: a JSON object.
            request: of the same event, valid.
            call: what it came in, None for none.
        """
        features = request["features"]
        members = [self._member(kind, source, features, call) for kind, source in self._sources]
        return f"{line[:-1]}{''.join(members)}}}"

    def _member(
        self,
        kind: Literal["session", "caller"],
        source: Source,
        features: Mapping[str, JsonScalar],
        call: Request | None,
    ) -> str:
        """Return a member with a comma before it, "" where nothing usable is named."""
        if source.feature is not None:
            value = features[source.feature]
            text = value if isinstance(value, str) else repr(value)
            # A missing value is one of nobody, not one of somebody.
            text = "" if value is None else text
        elif call is None:
            text = ""
        elif source.header is not None:
            text = header_of(call.event, source.header)
        else:
            text = _at(call.context, source.context or "")
        if not 0 < len(text) <= MOST_CHARACTERS or not text.isprintable():
            return ""
        return f',"{kind}":"{pseudonym(self._model, kind, text)}"'


def _at(context: Any, pointer: str) -> str:
    """Return the text at a JSON pointer, "" where there is none.

    >>> _at({"authorizer": {"iam": {"userId": "A1"}}}, "/authorizer/iam/userId")
    'A1'
    """
    value = context
    for name in pointer.split("/")[1:]:
        if not isinstance(value, dict):
            return ""
        value = value.get(name)
    return value if isinstance(value, str) else ""
