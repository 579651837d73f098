"""The metrics of one stack's models, as alarms and page read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from drift_console.emf import MetricId

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drift_console.alarms.evaluation import Read
    from drift_console.frame import Frame
    from drift_console.histogram import Distribution
    from drift_console.metrics import MetricStore, Summary

MINUTE = 60
#: What is stored of one bucket of time.
Bucket = TypeVar("Bucket")


@dataclass(frozen=True)
class StackMetrics:
    """Reads metrics by model and name; used by the thread that the store's connection is for."""

    store: MetricStore
    namespace: str
    stack: str

    def identity(self, model: str, metric: str) -> MetricId:
        """Return the identity of one of a model's metrics.

        Args:
            model: The dimension `Model`.
            metric: The metric's name.
        """
        return MetricId.of(self.namespace, metric, {"Stack": self.stack, "Model": model})

    def ever_had_data(self, model: str, metric: str) -> bool:
        """Return whether a model's metric ever had a datapoint.

        Args:
            model: The dimension `Model`.
            metric: The metric's name.
        """
        return self.store.ever_had_data(self.identity(model, metric))

    def reader(self, model: str) -> Read:
        """Return the function that alarms read a model's metrics with."""

        def read(metric: str, start: int, period: int, count: int) -> list[Distribution | None]:
            return self.store.distributions(self.identity(model, metric), start, period, count)

        return read

    def summaries(self, model: str, metric: str, frame: Frame) -> list[Summary | None]:
        """Return a summary for each bucket of a frame; None where no data is.

        Args:
            model: The dimension `Model`.
            metric: The metric's name.
            frame: The span.
        """
        identity = self.identity(model, metric)
        return self.store.summaries(identity, frame.start, frame.width, frame.count)

    def distributions(self, model: str, metric: str, frame: Frame) -> list[Distribution | None]:
        """Return a distribution for each bucket of a frame; None where no data is.

        Args:
            model: The dimension `Model`.
            metric: The metric's name.
            frame: The span.
        """
        identity = self.identity(model, metric)
        return self.store.distributions(identity, frame.start, frame.width, frame.count)

    def whole(self, model: str, metric: str, frame: Frame) -> Distribution | None:
        """Return the distribution over all of a frame; None where no data is.

        It is read from minutes, so it may begin up to a minute before the first bucket.

        Args:
            model: The dimension `Model`.
            metric: The metric's name.
            frame: The span.
        """
        start = frame.start - frame.start % MINUTE
        minutes = -(-(frame.end - start) // MINUTE)
        identity = self.identity(model, metric)
        (distribution,) = self.store.distributions(identity, start, MINUTE * minutes, 1)
        return distribution


def bucket_values(
    buckets: Sequence[Bucket | None],
    figure: Callable[[Bucket], float],
) -> list[float | None]:
    """Return a figure of each bucket; None where no data is.

    Args:
        buckets: In the order of time.
        figure: Computes the figure of a bucket with data.
    """
    values: list[float | None] = []
    for bucket in buckets:
        if bucket is None:
            values.append(None)
        else:
            values.append(figure(bucket))
    return values
