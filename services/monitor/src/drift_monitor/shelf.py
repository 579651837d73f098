"""Baselines by model and version in the stack's table: an image has the newest only.

During a rollout two versions answer, and the last windows of a version come after it is gone. Each
version's feature set and baseline are written when it is deployed, before the first request reaches
it, and stay as long as a window of it can come.

Items: `baselines` / `MODEL#VERSION`, with the two documents deflated under `reference`. What is
larger than an item takes goes on in `baselines#MODEL#VERSION` / `01`, `02`, ...; a version never
changes, so that parts of two writers are the same.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from drift_contracts import FeatureSet
from drift_contracts.bundle_paths import bundle_folder, bundle_names
from drift_engine.bundle import RHYTHM, SEGMENTS
from drift_ml.baseline import Baseline
from drift_ml.rhythm import Rhythm
from drift_ml.segments import Segments

from drift_monitor.aggregate import OLDEST_DAYS
from drift_monitor.errors import Unanswered
from drift_monitor.keys import Series
from drift_monitor.reference import Reference
from drift_monitor.stores.dynamo import MOST_BYTES
from drift_monitor.stores.packing import UNREADABLE, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_monitor.stores import Document
    from drift_monitor.stores.dynamo import Item

PARTITION = "baselines"
#: Of the documents: the rhythm of a bundle that has one.
RHYTHM_MEMBER = "rhythm"
#: The same of its segments.
SEGMENTS_MEMBER = "segments"
DAY = 86_400
#: Days after a version was last seen: its events may be so old, after two weeks in a queue.
KEPT_DAYS = OLDEST_DAYS + 15
#: Seconds after which a version that was not there is asked for again.
ASK_AGAIN = 60


class Shelf:
    """The baselines in a table."""

    def __init__(
        self,
        client: Any,
        table: str,
        now: Callable[[], float],
    ) -> None:
        """Use a table, which is there.

        Args:
            client: boto3's DynamoDB client.
            table: its name.
            now: seconds since 1970.
        """
        self._client = client
        self._table = table
        self._now = now

    def keep(
        self,
        series: Series,
        documents: Document,
    ) -> None:
        """Write the feature set and the baseline of a version, to stay KEPT_DAYS from now on.

        Args:
            series: the version.
            documents: under `feature_set` and `baseline`, and `rhythm` and `segments` where there
                are any.
        """
        expires: Item = {"expires": {"N": str(int(self._now()) + KEPT_DAYS * DAY)}}
        data = pack(documents)
        starts = range(0, len(data), MOST_BYTES)
        first, *others = [data[start : start + MOST_BYTES] for start in starts]
        item = {**_place(series), "reference": {"B": first}, **expires}
        if others:
            item["parts"] = {"N": str(len(others))}
        # The item that names them is last: whoever finds it finds them all.
        for number, chunk in enumerate(others, 1):
            part = {**_part_place(series, number), "reference": {"B": chunk}, **expires}
            self._client.put_item(TableName=self._table, Item=part)
        self._client.put_item(TableName=self._table, Item=item)

    def find(self, series: Series) -> Document | None:
        """Return the documents of a version, None where there are none that can be read.

        One that was not written anew for a day is, so that a version stays while it is in use.

        Raises:
            Unanswered: the table does not answer.
        """
        try:
            answer = self._client.get_item(
                TableName=self._table, Key=_place(series), ConsistentRead=True
            )
        except (ClientError, BotoCoreError) as error:
            # AWS's own name of the failure says what to repair: a table that is gone, a permission.
            failure = type(error).__name__
            message = (
                f"the table did not answer ({failure}) whether it has the baseline of {series}"
            )
            raise Unanswered(message) from error
        item = answer.get("Item")
        if not item:
            return None
        documents = self._documents(item)
        if documents is not None and self._days_left(item) < KEPT_DAYS - 1:
            self.keep(series, documents)
        return documents

    def all(self) -> dict[Series, Document]:
        """Return the documents of every version that has not expired."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": PARTITION}},
        )
        versions = {}
        for page in pages:
            for item in page["Items"]:
                documents = self._documents(item)
                if documents is not None:
                    model, version = item["sk"]["S"].split("#", 1)
                    versions[Series(model, version)] = documents
        return versions

    def _documents(self, item: Item) -> Document | None:
        # DynamoDB deletes what has expired late, by days at times.
        if self._days_left(item) <= 0:
            return None
        data = bytes(item["reference"]["B"])
        series = Series(*item["sk"]["S"].split("#", 1))
        for number in range(1, int(item.get("parts", {}).get("N", 0)) + 1):
            place = _part_place(series, number)
            answer = self._client.get_item(TableName=self._table, Key=place, ConsistentRead=True)
            # Without a part the rest is damaged, which `unpack` says.
            data += bytes(answer["Item"]["reference"]["B"]) if "Item" in answer else b""
        documents = unpack(data)
        if UNREADABLE in documents:
            return None
        return documents

    def _days_left(self, item: Item) -> float:
        return (int(item["expires"]["N"]) - self._now()) / DAY


class KeptReferences(Mapping[Series, Reference]):
    """The references of the bundles at hand, and of other versions of their models on the shelf."""

    def __init__(
        self,
        own: Mapping[Series, Reference],
        shelf: Shelf,
        now: Callable[[], float],
        *,
        watch_segments: bool = True,
    ) -> None:
        """Look up what is not at hand when it is asked for.

        Args:
            own: the references in the image.
            shelf: has those of other versions.
            now: seconds since 1970.
            watch_segments: whether segments of other versions are watched too.
        """
        self._own = dict(own)
        self._watch_segments = watch_segments
        self._models = {series.model for series in own}
        self._shelf = shelf
        self._now = now
        self._found: dict[Series, Reference] = {}
        self._asked: dict[Series, float] = {}

    @property
    def own(self) -> frozenset[Series]:
        """Return the series whose bundles are at hand."""
        return frozenset(self._own)

    def __getitem__(self, series: Series) -> Reference:
        """Return the reference of a series. Raises KeyError."""
        reference = self._own.get(series) or self._found.get(series)
        if reference is None and series.model in self._models and self._may_ask(series):
            documents = self._shelf.find(series)
            if documents is not None:
                reference = self._found[series] = self._made(documents)
        if reference is None:
            raise KeyError(series)
        return reference

    def __iter__(self) -> Iterator[Series]:
        """Yield every series that there is a reference of now, those of the image first."""
        yield from self._own
        for series, documents in self._shelf.all().items():
            if series.model in self._models and series not in self._own:
                if series not in self._found:
                    self._found[series] = self._made(documents)
                yield series

    def __len__(self) -> int:
        """Return how many there are now."""
        return sum(1 for _ in self)

    def renew(self, bundles: Path) -> None:
        """Write the versions at hand that have expired, where nobody deployed for months."""
        missing = [series for series in self._own if self._shelf.find(series) is None]
        keep_bundles(bundles, missing, self._shelf)

    def _made(self, documents: Document) -> Reference:
        return _reference(documents, watch_segments=self._watch_segments)

    def _may_ask(self, series: Series) -> bool:
        """Return whether to look: not for each of a thousand events of an unknown version."""
        if self._now() - self._asked.get(series, float("-inf")) < ASK_AGAIN:
            return False
        self._asked[series] = self._now()
        return True


def keep_bundles(
    bundles: Path,
    wanted: Collection[Series],
    shelf: Shelf,
) -> list[Series]:
    """Write the baselines of the current bundles in a folder to the shelf.

    Args:
        bundles: holds one folder per model.
        wanted: the series to write, verified before.
        shelf: where they go.

    Returns:
        What was written.
    """
    written = []
    for name in bundle_names(bundles):
        folder = Path(bundle_folder(bundles / name))
        manifest = _read(folder / "manifest.json")
        series = Series(manifest["model"], manifest["model_version"])
        if series in wanted:
            documents = {
                "feature_set": _read(folder / "feature_set.json"),
                "baseline": _read(folder / "baseline.json"),
            }
            if (folder / RHYTHM).is_file():
                documents[RHYTHM_MEMBER] = _read(folder / RHYTHM)
            if (folder / SEGMENTS).is_file():
                documents[SEGMENTS_MEMBER] = _read(folder / SEGMENTS)
            shelf.keep(series, documents)
            written.append(series)
    return written


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _reference(
    documents: Document,
    *,
    watch_segments: bool,
) -> Reference:
    # Both are checked here: what is stored may be of another release.
    feature_set: Any = documents["feature_set"]
    baseline: Any = documents["baseline"]
    parsed = Baseline.from_json(baseline)
    # Earlier releases kept none; any: as above.
    stored: Any = documents.get(RHYTHM_MEMBER)
    rhythm = None
    if stored is not None:
        rhythm = Rhythm.from_json(stored, baseline=parsed.digest, channels=parsed.channels)
    segments = None
    if watch_segments and SEGMENTS_MEMBER in documents:
        segments = Segments.from_json(documents[SEGMENTS_MEMBER], baseline=parsed.digest)
    return Reference(
        FeatureSet.from_json(feature_set), parsed, rhythm, segments, watches_callers=watch_segments
    )


def _part_place(
    series: Series,
    number: int,
) -> Item:
    return {
        "pk": {"S": f"{PARTITION}#{series.model}#{series.version}"},
        "sk": {"S": f"{number:02d}"},
    }


def _place(series: Series) -> Item:
    return {"pk": {"S": PARTITION}, "sk": {"S": f"{series.model}#{series.version}"}}
