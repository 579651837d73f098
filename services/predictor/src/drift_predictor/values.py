"""The values that every request makes.

Everywhere else in the predictor a value is a `drift_contracts.records.Record`, which spares a cold
start the import of `dataclasses`; its docstring says how much. A record finds its fields by their
annotations, which takes 2.8 us: once a process that is nothing, four times a request it would be
as much as all the rest. So these four, and no others, are written out as classes with slots, which
take .2 us.
"""

from __future__ import annotations

from drift_contracts.timestamps import utc_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NS_PER_MS = 1_000_000


class Request:
    """A request over HTTP, as its event describes it."""

    __slots__ = ("body", "context", "encoding", "event", "media_type", "method", "path")

    def __init__(
        self,
        method: str,
        path: str,
        body: bytes,
        media_type: str,
        encoding: str = "",
        context: object = None,
        event: object = None,
    ) -> None:
        self.method = method
        self.path = path
        self.body = body
        #: The header Content-Type, "" for none.
        self.media_type = media_type
        #: The header Content-Encoding, "" for none.
        self.encoding = encoding
        #: The event's request context, which says who calls; None for a caller who may mark
        #: requests as synthetic.
        self.context = context
        #: The HTTP event itself, of which a model may read headers; None where there is none.
        self.event = event


class Stamp:
    """When a request was answered, and how long that took."""

    __slots__ = ("latency_ns", "text", "timestamp_ms")

    def __init__(self, time_ns: int, latency_ns: int) -> None:
        #: Milliseconds of Unix time.
        self.timestamp_ms = timestamp_ms = time_ns // NS_PER_MS
        #: The same as responses and events have it.
        self.text = utc_text(timestamp_ms)
        self.latency_ns = latency_ns


class Answer:
    """What response and event line share, each member as JSON."""

    __slots__ = ("drift", "features", "identity", "line", "metrics", "prediction", "score")

    def __init__(
        self,
        prediction: float,
        score: float,
        identity: str,
        features: str,
        drift: str,
        metrics: Sequence[str],
    ) -> None:
        self.prediction = repr(prediction)
        #: The drift score.
        self.score = repr(score)
        #: The prediction's id, without quotation marks.
        self.identity = identity
        #: The features as they were received.
        self.features = features
        #: Drift by feature, with the severity.
        self.drift = drift
        #: The number of each feature's metric, in the order of the features; "" for a null.
        self.metrics = metrics
        #: What is logged of it, made of the other members.
        self.line = ""


class Reply:
    """The answer to a request over HTTP."""

    __slots__ = ("accept_encoding", "allow", "body", "media_type", "status")

    def __init__(
        self,
        status: int,
        media_type: str,
        body: bytes,
        allow: str = "",
        accept_encoding: str = "",
    ) -> None:
        self.status = status
        self.media_type = media_type
        self.body = body
        #: The header Allow, "" for none.
        self.allow = allow
        #: The header Accept-Encoding, "" for none.
        self.accept_encoding = accept_encoding
