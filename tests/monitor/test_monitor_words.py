"""What reaches people: an email in words, no flood of OK, and a call that only keeps the function awake."""

from __future__ import annotations

import json

import pytest
from drift_monitor import cloud
from drift_monitor.notify import notify, plain_text


@pytest.fixture
def alert(root):
    return json.loads((root / "contracts/examples/alert.v1.json").read_text("utf-8"))


@pytest.fixture
def root(request):
    return request.config.rootpath


class Topic:
    """Keeps what was published."""

    def publish(self, **words):
        self.words = words


def test_email(alert):
    """An email has words first and the document at its end."""
    topic = Topic()
    cloud.topic(topic, "arn")(alert)
    texts = json.loads(topic.words["Message"])
    assert topic.words["MessageStructure"] == "json"
    assert json.loads(texts["default"]) == alert
    words, _, document = texts["email"].rpartition("\n\n")
    assert json.loads(document) == alert
    assert words.startswith(f"{alert['state']}: {alert['title']}")
    assert all(step in words for step in alert["next"])
    assert "{" not in words


def test_email_of_recovery(alert):
    """The end of an alarm, which has no size, has words too."""
    bare = {name: value for name, value in alert.items() if name not in ("drift", "next", "links")}
    assert alert["title"] in plain_text(bare)


def records(*notices):
    return {
        "Records": [
            {"Sns": {"Message": notice if isinstance(notice, str) else json.dumps(notice)}} for notice in notices
        ]
    }


@pytest.mark.parametrize(
    ("old", "new", "sent"),
    [("INSUFFICIENT_DATA", "OK", 0), ("ALARM", "OK", 1), ("OK", "ALARM", 1), ("INSUFFICIENT_DATA", "ALARM", 1)],
)
def test_first_ok(old, new, sent):
    """Only the first OK of a new stack's alarm is left out."""
    posts = []
    event = records({"AlarmName": "x", "OldStateValue": old, "NewStateValue": new})
    assert notify(event, {}, posts.append) == sent == len(posts)


@pytest.mark.parametrize("text", ["budget: 80 % are spent", "[]", '"OK"'])
def test_other_notices(text):
    """What is no alarm of CloudWatch is never left out."""
    posts = []
    assert notify(records(text), {}, posts.append) == 1


@pytest.mark.parametrize("event", [{}, {"Records": []}])
def test_no_notice(event):
    """A call without a notice, as a schedule makes it, sends nothing."""
    assert notify(event, {}, lambda _: pytest.fail("posted")) == 0
