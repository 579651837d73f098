"""A rollout: events of two versions, before, during and after, and none of them goes aside."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from drift_contracts import SettingsError, feature_set
from drift_contracts.bundle_paths import bundle_folder
from drift_ml.training import Recipe, load_rows, train
from drift_monitor import cloud, handlers
from drift_monitor.aggregate import Rejected
from drift_monitor.errors import MonitorError, Unanswered
from drift_monitor.keys import Series
from drift_monitor.reference import load_references
from drift_monitor.settings import read_settings
from drift_monitor.shelf import DAY, KEPT_DAYS, KeptReferences, Shelf, keep_bundles

NOW = 1_800_000_000.0


def version_of(folder):
    manifest = Path(bundle_folder(folder / "house-price"), "manifest.json")
    return json.loads(manifest.read_text())["model_version"]


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """Folders of bundles of two versions of one model, each with its version alone."""
    houses = feature_set("house-price")
    folders = []
    for rows in (500, 600):
        build = tmp_path_factory.mktemp(f"build{rows}")
        train(houses, load_rows(houses, rows=rows), build, recipe=Recipe(trees=5))
        folders.append(build / "bundles")
    return folders


@pytest.fixture
def letters(aws, table):
    return aws("sqs").create_queue(QueueName=f"letters-{table}")["QueueUrl"]


@pytest.fixture
def deploy(monkeypatch, aws, table, letters, capsys):
    """deploy(folder) gives the functions an image of that folder's bundles, as an update does."""
    topic = aws("sns").create_topic(Name="alerts")["TopicArn"]

    def image(folder, **more):
        names = {"STACK": "test", "TABLE": table, "TOPIC": topic, "DEAD_LETTERS": letters, "BUNDLES": str(folder)}
        for name, value in {**names, **more}.items():
            monkeypatch.setenv(f"DRIFT_{name}", value)
        for each in vars(handlers).values():
            if hasattr(each, "cache_clear"):
                each.cache_clear()
        capsys.readouterr()

    yield image
    for each in vars(handlers).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()


def counted(capsys):
    """What the functions printed, metric lines by model."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def waiting(aws, letters):
    answer = aws("sqs").get_queue_attributes(QueueUrl=letters, AttributeNames=["ApproximateNumberOfMessages"])
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def test_rollout(deploy, bundles, aws, letters, make_events, as_logs, capsys):
    """During a rollout the events of both versions are counted."""
    old, new = map(version_of, bundles)
    start = time.time() // 60 * 60 - 900

    def events(version, minute, seed):
        return as_logs(make_events(30, start=start + 60 * minute, seed=seed, model_version=version))

    deploy(bundles[0])
    assert handlers.aggregate({"keep": "baselines"}, None) == {"kept": [f"house-price/{old}"]}
    handlers.aggregate(events(old, 0, 1), None)
    # The new image keeps its baseline before the alias moves; the old function may still run beside it.
    deploy(bundles[1])
    assert handlers.aggregate({"keep": "baselines"}, None) == {"kept": [f"house-price/{new}"]}
    deploy(bundles[0])
    handlers.aggregate(events(new, 1, 2), None)
    deploy(bundles[1])
    handlers.aggregate(events(old, 2, 3), None)
    handlers.aggregate(events(new, 3, 4), None)
    assert [line["DeadLetters"] for line in counted(capsys)] == [0, 0]
    assert waiting(aws, letters) == 0
    # The retired version's last minutes are judged, and it says nothing when it has nothing new.
    assert handlers.evaluate({}, None)["series"] == 2
    assert [line["EventsCounted"] for line in counted(capsys)] == [60, 60]
    assert handlers.evaluate({}, None)["series"] == 1


def test_unknown_version(deploy, bundles, aws, letters, make_events, as_logs):
    """Events of a version that no deployment wrote are rejected, ten letters a call."""
    deploy(bundles[0])
    handlers.aggregate(as_logs(make_events(25, start=time.time() - 60, model_version="0" * 12)), None)
    assert waiting(aws, letters) == 25


class Queue:
    """Counts calls, and refuses records from the given one on."""

    def __init__(self, takes: int = 10**6) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self.takes = takes

    def send_message_batch(self, *, QueueUrl, Entries):  # noqa: N803 - boto3's names
        assert QueueUrl
        self.calls.append(Entries)
        refused = [{"Id": entry["Id"], "Code": "InternalError"} for entry in Entries[self.takes :]]
        return {"Failed": refused} if refused else {}


def test_letters_in_tens():
    """A thousand rejected records are a hundred calls of the queue."""
    queue = Queue()
    cloud.dead_letter_queue(queue, "url")([Rejected("logs:1", "why", "x" * 900) for _ in range(1000)])
    assert [len(call) for call in queue.calls] == [10] * 100
    assert all(len({entry["Id"] for entry in call}) == len(call) for call in queue.calls)


def test_letters_by_size():
    """A call has 256 KiB at most, and a record of more than a message goes in parts."""
    queue = Queue()
    cloud.dead_letter_queue(queue, "url")([Rejected("logs:1", "why", "é" * 100_000) for _ in range(3)])
    sizes = [sum(len(entry["MessageBody"].encode()) for entry in call) for call in queue.calls]
    assert max(sizes) <= 256 * 1024
    assert sum(sizes) > 3 * 600_000


def test_queue_refuses():
    """What the queue does not accept is raised, so that the delivery is repeated."""
    with pytest.raises(MonitorError, match="InternalError"):
        cloud.dead_letter_queue(Queue(takes=1), "url")([Rejected("logs:1", "why", "x")] * 2)


@pytest.fixture
def shelf(aws, table):
    clock = [NOW]
    return Shelf(aws("dynamodb"), table, lambda: clock[0]), clock


def test_expiry_of_version(shelf, bundles):
    """A baseline stays for as long as an event may arrive, counted from its last use."""
    kept, clock = shelf
    own = load_references(bundles[0])
    (series,) = keep_bundles(bundles[0], own, kept)
    clock[0] += (KEPT_DAYS - 2) * DAY
    assert kept.find(series) is not None
    clock[0] += (KEPT_DAYS - 2) * DAY
    assert kept.find(series) is not None
    clock[0] += (KEPT_DAYS + 1) * DAY
    assert kept.find(series) is None
    assert kept.all() == {}


def test_renewal(shelf, bundles):
    """The version in the image is written again where it has expired."""
    kept, clock = shelf
    references = KeptReferences(load_references(bundles[0]), kept, lambda: clock[0])
    for _ in range(3):
        clock[0] += 40 * DAY
        references.renew(bundles[0])
    assert set(kept.all()) == references.own


def test_other_models(shelf, bundles):
    """Baselines of models that are not served are left out."""
    kept, clock = shelf
    keep_bundles(bundles[0], load_references(bundles[0]), kept)
    assert list(KeptReferences({}, kept, lambda: clock[0])) == []


def test_asked_once_a_minute(shelf, bundles):
    """A version without a baseline is looked up once a minute, and later when it is there."""
    kept, clock = shelf
    asked = []
    find = kept.find
    kept.find = lambda series: asked.append(series) or find(series)
    references = KeptReferences(load_references(bundles[0]), kept, lambda: clock[0])
    (other,) = load_references(bundles[1])
    for _ in range(100):
        assert references.get(other) is None
    assert len(asked) == 1
    keep_bundles(bundles[1], [other], kept)
    clock[0] += 61
    assert references.get(other) is not None
    assert len(references) == 2


def test_damaged_baseline(shelf, aws, table, bundles):
    """Damaged bytes give no reference and hide no other."""
    kept, _ = shelf
    (series,) = keep_bundles(bundles[0], load_references(bundles[0]), kept)
    item = {
        "pk": {"S": "baselines"}, "sk": {"S": "house-price#broken"}, "reference": {"B": b"x"},
        "expires": {"N": str(int(NOW + DAY))},
    }  # fmt: skip
    aws("dynamodb").put_item(TableName=table, Item=item)
    assert set(kept.all()) == {series}
    assert kept.find(Series("house-price", "broken")) is None


def test_table_fails(deploy, bundles, aws, table, make_events, as_logs):
    """If the table does not answer the delivery is repeated, and nothing is rejected."""
    deploy(bundles[0])
    handlers.aggregate(as_logs(["{}"]), None)
    aws("dynamodb").delete_table(TableName=table)
    with pytest.raises(Unanswered):
        handlers.aggregate(as_logs(make_events(1, start=time.time(), model_version="0" * 12)), None)


def test_missing_folder(shelf, bundles, tmp_path):
    """Only versions whose folder is there are written."""
    kept, _ = shelf
    folder = tmp_path / "both"
    for number, source in enumerate(bundles):
        shutil.copytree(source / "house-price", folder / f"house-price-{number}")
    (series,) = load_references(bundles[0])
    assert keep_bundles(folder, [series], kept) == [series]


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_level_of_functions(deploy, bundles, level):
    """Each function logs from the level of the stack on."""
    for call in (
        lambda: handlers.aggregate({}, None), lambda: handlers.evaluate({}, None),
        lambda: handlers.notify({}, None), lambda: handlers.probe({}, None),
    ):  # fmt: skip
        deploy(bundles[0], LOG_LEVEL=level)
        logging.getLogger("drift_monitor").setLevel("NOTSET")
        with contextlib.suppress(Exception):  # what they need beside a level is not there
            call()
        assert logging.getLevelName(logging.getLogger("drift_monitor").level) == level


def test_bad_level():
    """A wrong level is refused with the variable and the choices."""
    with pytest.raises(SettingsError, match=r"DRIFT_LOG_LEVEL.*DEBUG, INFO, WARNING, ERROR"):
        read_settings({"DRIFT_LOG_LEVEL": "loud"})
