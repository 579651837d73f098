"""Baselines by model and version, kept in the stack's table: an image holds the newest only.

During a rollout two versions answer, and the last windows of a version come after it is gone. Each
version's feature set and baseline are written when it is deployed, before the first request reaches
it, and stay as long as a window of it can come.

Items: `baselines` / `MODEL#VERSION`, with the two documents deflated under `reference`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from drift_contracts import FeatureSet
from drift_contracts.bundle_paths import bundle_folder, bundle_names
from drift_ml.baseline import Baseline

from drift_monitor.aggregate import OLDEST_DAYS
from drift_monitor.errors import Unanswered
from drift_monitor.keys import Series
from drift_monitor.reference import Reference
from drift_monitor.stores.packing import UNREADABLE, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable

PARTITION = "baselines"
DAY = 86_400
#: Days after a version was last seen: its events may be so old, after two weeks in a queue.
KEPT_DAYS = OLDEST_DAYS + 15
#: Seconds after which a version that was not there is asked for again.
ASK_AGAIN = 60


class Shelf:
    """The baselines in a table.

    client: boto3's DynamoDB client. now: seconds since 1970.
    """

    def __init__(self, client: Any, table: str, now: Callable[[], float]) -> None:
        self._client = client
        self._table = table
        self._now = now

    def keep(self, series: Series, documents: Mapping[str, Any]) -> None:
        """Write the feature set and the baseline of a version, to stay KEPT_DAYS from now on."""
        expires = int(self._now()) + KEPT_DAYS * DAY
        item = {
            **_place(series),
            "reference": {"B": pack(dict(documents))},
            "expires": {"N": str(expires)},
        }
        self._client.put_item(TableName=self._table, Item=item)

    def find(self, series: Series) -> Mapping[str, Any] | None:
        """Return the documents of a version, None where there are none that can be read.

        One that was not written anew for a day is, so that a version stays while it is in use.
        Raises Unanswered if the table does not answer.
        """
        try:
            answer = self._client.get_item(
                TableName=self._table, Key=_place(series), ConsistentRead=True
            )
        except (ClientError, BotoCoreError) as error:
            raise Unanswered(
                f"the table did not say whether it has the baseline of {series}"
            ) from error
        item = answer.get("Item")
        documents = self._documents(item) if item else None
        if item and documents is not None and self._days_left(item) < KEPT_DAYS - 1:
            self.keep(series, documents)
        return documents

    def all(self) -> dict[Series, Mapping[str, Any]]:
        """Return the documents of every version that is kept."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": PARTITION}},
        )
        kept = {}
        for page in pages:
            for item in page["Items"]:
                documents = self._documents(item)
                if documents is not None:
                    kept[Series(*item["sk"]["S"].split("#", 1))] = documents
        return kept

    def _documents(self, item: Mapping[str, Any]) -> Mapping[str, Any] | None:
        # DynamoDB deletes what has expired late, by days at times.
        if self._days_left(item) <= 0:
            return None
        documents = unpack(item["reference"]["B"])
        return None if UNREADABLE in documents else documents

    def _days_left(self, item: Mapping[str, Any]) -> float:
        return (int(item["expires"]["N"]) - self._now()) / DAY


class KeptReferences(Mapping[Series, Reference]):
    """The references of the bundles at hand, and of other versions of their models on the shelf.

    own: the references in the image. now: seconds since 1970.
    """

    def __init__(
        self, own: Mapping[Series, Reference], shelf: Shelf, now: Callable[[], float]
    ) -> None:
        self._own = dict(own)
        self._models = {series.model for series in own}
        self._shelf = shelf
        self._now = now
        self._found: dict[Series, Reference] = {}
        self._asked: dict[Series, float] = {}

    @property
    def own(self) -> frozenset[Series]:
        """The series whose bundles are at hand."""
        return frozenset(self._own)

    def __getitem__(self, series: Series) -> Reference:
        """Return the reference of a series. Raises KeyError."""
        found = self._own.get(series) or self._found.get(series)
        if found is None and series.model in self._models and self._may_ask(series):
            documents = self._shelf.find(series)
            if documents is not None:
                found = self._found[series] = _reference(documents)
        if found is None:
            raise KeyError(series)
        return found

    def __iter__(self) -> Iterator[Series]:
        """Yield every series that there is a reference of now, those of the image first."""
        yield from self._own
        for series, documents in self._shelf.all().items():
            if series.model in self._models and series not in self._own:
                if series not in self._found:
                    self._found[series] = _reference(documents)
                yield series

    def __len__(self) -> int:
        """Return how many there are now."""
        return sum(1 for _ in self)

    def renew(self, bundles: Path) -> None:
        """Keep the versions at hand from being forgotten where nobody deploys for months."""
        missing = [series for series in self._own if self._shelf.find(series) is None]
        keep_bundles(bundles, missing, self._shelf)

    def _may_ask(self, series: Series) -> bool:
        """Return whether to look: not for each of a thousand events of an unknown version."""
        if self._now() - self._asked.get(series, float("-inf")) < ASK_AGAIN:
            return False
        self._asked[series] = self._now()
        return True


def keep_bundles(bundles: Path, wanted: Collection[Series], shelf: Shelf) -> list[Series]:
    """Write the baselines of the current bundles in a folder to the shelf.

    Args:
        bundles: holds one folder per model.
        wanted: the series to write, verified before.
        shelf: where they go.

    Returns:
        What was written.
    """
    kept = []
    for name in bundle_names(bundles):
        folder = Path(bundle_folder(bundles / name))
        manifest = _read(folder / "manifest.json")
        series = Series(manifest["model"], manifest["model_version"])
        if series in wanted:
            feature_set, baseline = (
                _read(folder / "feature_set.json"),
                _read(folder / "baseline.json"),
            )
            shelf.keep(series, {"feature_set": feature_set, "baseline": baseline})
            kept.append(series)
    return kept


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _reference(documents: Mapping[str, Any]) -> Reference:
    feature_set = FeatureSet.from_json(documents["feature_set"])
    return Reference(feature_set, Baseline.from_json(documents["baseline"]))


def _place(series: Series) -> dict[str, Any]:
    return {"pk": {"S": PARTITION}, "sk": {"S": f"{series.model}#{series.version}"}}
