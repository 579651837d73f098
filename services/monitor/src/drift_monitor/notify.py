"""Write alerts as chat messages: what drifted, by how much, since when, and where to look."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from drift_contracts.wording import spoken_unit
from drift_ml.figures import SHARE, plain_number, plain_pair, plain_percent

from drift_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from drift_monitor.alerts import Alert

#: Slack's text blocks hold 3,000 characters.
LONGEST = 2900
#: Its fields hold 2,000.
LONGEST_FIELD = 1900
#: Its headers hold 150.
LONGEST_TITLE = 150
#: And a block ten fields.
MOST_FACTS = 10
#: The versions of alerts that are read, and what a message needs of them.
CONTRACTS = ("alert.v1", "alert.v2")
NEEDED = ("title", "reason", "state", "stack", "model", "model_version", "timestamp")
MARKS = {"ALARM": ":rotating_light:", "OK": ":white_check_mark:"}
OTHER_MARK = ":grey_question:"

#: What cutting may leave of an escaped character.
_HALF = re.compile(r"&[a-z]*\Z")
_IN_ADDRESS = {"&": "&amp;", "<": "%3C", ">": "%3E", "|": "%7C", " ": "%20", "\n": "%0A"}

#: Blocks of Slack's Block Kit.
Block = dict[str, object]


class ChatMessage(TypedDict):
    """A Slack-compatible message."""

    #: For devices that show no blocks.
    text: str
    blocks: list[Block]


@dataclass(frozen=True)
class _Fact:
    """A line of a message: a name and its value."""

    name: str
    value: str


@dataclass(frozen=True)
class _Notice:
    """What a message says, before it is laid out."""

    title: str
    text: str
    facts: Sequence[_Fact]
    #: Addresses by name.
    links: Mapping[str, str]


class _SnsMessage(TypedDict):
    Message: str


class _SnsRecord(TypedDict):
    Sns: _SnsMessage


class SnsEvent(TypedDict, total=False):
    """What Lambda delivers of a topic."""

    Records: list[_SnsRecord]


def notify(
    event: SnsEvent,
    links: Mapping[str, str],
    send: Callable[[bytes], None],
) -> int:
    """Send every record of an SNS event as a chat message.

    An alarm that becomes OK for want of an earlier state is left out: each of a new stack's does,
    and nothing was wrong. An event without records, by which a schedule keeps the function awake,
    sends none.

    Args:
        event: as Lambda delivers it.
        links: addresses by name, shown below each message.
        send: posts a body; what it raises is raised.

    Returns:
        How many were sent.
    """
    texts = [str(record["Sns"]["Message"]) for record in event.get("Records", [])]
    texts = [text for text in texts if not _only_began(text)]
    for text in texts:
        send(json.dumps(chat_message(text, links)).encode())
    return len(texts)


def plain_text(alert: Alert) -> str:
    """Return an alert in words, for an email: what happened, facts, what to do, where to look."""
    facts = [f"{fact.name}: {fact.value}" for fact in _alert_facts(alert)]
    parts = [f"{alert['state']}: {alert['title']}", alert["reason"], "\n".join(facts)]
    steps = [f"- {step}" for step in alert.get("next", [])]
    if steps:
        parts.append("\n".join(["What to do:", *steps]))
    links = [f"{name}: {url}" for name, url in alert.get("links", {}).items()]
    if links:
        parts.append("\n".join(links))
    return "\n\n".join(parts)


def _only_began(text: str) -> bool:
    """Return whether a notice is of an alarm's first OK, with no alarm before it."""
    try:
        document = json.loads(text)
    except ValueError:
        return False
    if not isinstance(document, dict):
        return False
    states = (document.get("OldStateValue"), document.get("NewStateValue"))
    return states == ("INSUFFICIENT_DATA", "OK")


def chat_message(
    text: str,
    links: Mapping[str, str],
) -> ChatMessage:
    """Return a message for an alert of either version, a CloudWatch alarm, or any other text.

    Args:
        text: the body of the notice.
        links: addresses by name, shown below the message.

    Raises:
        MonitorError: an alert that this release cannot read; Lambda tries again, and then puts
            the notice into the queue of dead letters.
    """
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict):
        contract = str(document.get("contract"))
        if contract.startswith("alert."):
            return _message(_alert_notice(_readable(document, contract), links))
        if "AlarmName" in document:
            return _message(_alarm_notice(document, links))
    return _message(_Notice("Notice", text, (), links))


def _readable(
    document: dict[str, object],
    contract: str,
) -> Alert:
    """Return an alert that was delivered. Raises MonitorError."""
    if contract not in CONTRACTS:
        raise MonitorError(f"expected an alert of {' or '.join(CONTRACTS)}: deploy what wrote it")
    absent = [name for name in NEEDED if name not in document]
    if absent:
        raise MonitorError(f"{contract}: required at the top: expected {', '.join(absent)}")
    # Only the monitor and the console publish these, by the contract.
    return document  # type: ignore[return-value]


def _alert_notice(
    alert: Alert,
    links: Mapping[str, str],
) -> _Notice:
    mark = MARKS["OK"]
    if alert["state"] == "ALARM":
        mark = MARKS["ALARM"]
    facts = _alert_facts(alert)
    steps = "\n".join(f"• {step}" for step in alert.get("next", []))
    text = f"{alert['reason']}\n{steps}".strip()
    return _Notice(f"{mark} {alert['title']}", text, facts, {**links, **alert.get("links", {})})


def _alert_facts(alert: Alert) -> list[_Fact]:
    return [
        _Fact("Stack", alert["stack"]),
        _Fact("Model", f"{alert['model']} {alert['model_version']}"),
        _Fact("At", alert["timestamp"]),
        *_drift_facts(alert),
        *_second_version(alert),
    ]


def _drift_facts(alert: Alert) -> list[_Fact]:
    drift = alert.get("drift")
    if not drift:
        return []
    facts = [
        _Fact("Since", drift["since"]),
        _Fact("Effect", f"{plain_number(drift['effect'], 2)} standard deviations"),
        _Fact("Events", f"{drift['events']:,}"),
    ]
    before, after = drift.get("before"), drift.get("after")
    if before is not None and after is not None:
        texts = plain_pair(before, after)
        if drift["unit"] == SHARE:
            texts = (plain_percent(before), plain_percent(after))
        unit = spoken_unit(drift["unit"])
        ending = f" ({unit})" if unit else ""
        facts.append(_Fact("Size", f"{texts[0]} before, {texts[1]} now{ending}"))
    return facts


def _second_version(alert: Alert) -> list[_Fact]:
    """Return the facts that only alerts of the second version have."""
    if alert["contract"] != "alert.v2":
        return []
    facts = []
    others, drift = alert["standing"], alert.get("drift")
    together = drift.get("together") if drift else None
    if together:
        facts.append(_Fact("Moves with it", "\n".join(joined["words"] for joined in together)))
    if others:
        titles = "\n".join(f"{other['title']}, since {other['since']}" for other in others)
        facts.append(_Fact("Still standing", titles))
    segment, harm, runbook = alert.get("segment"), alert.get("harm"), alert.get("runbook")
    if segment:
        facts.append(_Fact("Segment", f"{segment['name']} {segment['value']}"))
    if harm:
        facts.append(_Fact("Harm", harm["words"]))
    if runbook:
        facts.append(_Fact("Runbook", runbook))
    return facts


def _alarm_notice(
    alarm: Mapping[str, object],
    links: Mapping[str, str],
) -> _Notice:
    """Return the notice of a CloudWatch alarm; members that are absent become a question mark."""
    old, new = alarm.get("OldStateValue", "?"), alarm.get("NewStateValue", "?")
    mark = MARKS.get(str(new), OTHER_MARK)
    facts = [
        _Fact("State", f"{old} to {new}"),
        _Fact("Region", str(alarm.get("Region", "?"))),
        _Fact("At", str(alarm.get("StateChangeTime", "?"))),
    ]
    paragraphs = [alarm.get("AlarmDescription"), alarm.get("NewStateReason")]
    text = "\n".join(str(paragraph) for paragraph in paragraphs if paragraph)
    return _Notice(f"{mark} {alarm['AlarmName']}", text, facts, links)


def _message(notice: _Notice) -> ChatMessage:
    title = {"type": "plain_text", "text": notice.title[:LONGEST_TITLE], "emoji": True}
    blocks: list[Block] = [{"type": "header", "text": title}]
    if notice.text:
        blocks.append({"type": "section", "text": _markup(_escape(notice.text, LONGEST))})
    if notice.facts:
        fields = [
            _markup(f"*{fact.name}*\n{_escape(fact.value, LONGEST_FIELD)}")
            for fact in notice.facts[:MOST_FACTS]
        ]
        blocks.append({"type": "section", "fields": fields})
    if notice.links:
        links = [f"<{_address(url)}|{_label(name)}>" for name, url in notice.links.items()]
        blocks.append({"type": "context", "elements": [_markup(" · ".join(links))]})
    return {"text": _escape(notice.title), "blocks": blocks}


def _markup(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def _escape(
    text: str,
    longest: int | None = None,
) -> str:
    """Escape Slack's three control characters.

    Otherwise `<!channel>` in the name of a category would call everybody. Source: "Formatting text
    for app surfaces" in Slack's documentation; plain_text elements take no markup.

    Args:
        text: what people read.
        longest: characters after escaping, None for any number.
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if longest is None or len(escaped) <= longest:
        return escaped
    return _HALF.sub("", escaped[:longest])


def _label(text: str) -> str:
    """Return the text of a link; a vertical bar would end it."""
    return _escape(text).replace("|", "/")


def _address(text: str) -> str:
    """Return a link's address, which neither ends the link nor becomes a mention."""
    return "".join(_IN_ADDRESS.get(character, character) for character in text)
