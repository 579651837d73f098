"""Alerts as chat messages: what drifted, by how much, since when, and where to look."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST = 2900
"""Slack's text blocks hold 3,000 characters."""
LONGEST_FIELD = 1900
"""Its fields hold 2,000."""

_HALF = re.compile(r"&[a-z]*\Z")
"""What cutting may leave of an escaped character."""
_IN_ADDRESS = {"&": "&amp;", "<": "%3C", ">": "%3E", "|": "%7C", " ": "%20", "\n": "%0A"}


def notify(event: Mapping[str, Any], links: Mapping[str, str], send: Callable[[bytes], None]) -> int:
    """Send every record of an SNS event as a chat message; returns how many. An error in `send` is raised.

    An alarm that becomes OK for want of an earlier state is left out: each of a new stack's does, and
    nothing was wrong. An event without records, by which a schedule keeps the function awake, sends none.
    """
    texts = [str(record["Sns"]["Message"]) for record in event.get("Records", [])]
    worth = [text for text in texts if not _only_began(text)]
    for text in worth:
        send(json.dumps(chat_message(text, links)).encode())
    return len(worth)


def plain_text(alert: Mapping[str, Any], links: Mapping[str, str]) -> str:
    """Return an `alert.v1` document in words, for an email: what happened, the facts, what to do, where to look."""
    parts = [f"{alert['state']}: {alert['title']}", str(alert["reason"])]
    parts.append("\n".join(f"{name}: {value}" for name, value in _facts(alert)))
    if alert.get("next"):
        parts.append("\n".join(["What to do:", *(f"- {step}" for step in alert["next"])]))
    addresses = {**links, **alert.get("links", {})}
    if addresses:
        parts.append("\n".join(f"{name}: {address}" for name, address in addresses.items()))
    return "\n\n".join(parts)


def _only_began(text: str) -> bool:
    """Return whether a notice is of an alarm's first OK, with no alarm before it."""
    try:
        document = json.loads(text)
    except ValueError:
        return False
    if not isinstance(document, dict):
        return False
    return (document.get("OldStateValue"), document.get("NewStateValue")) == ("INSUFFICIENT_DATA", "OK")


def chat_message(text: str, links: Mapping[str, str]) -> dict[str, Any]:
    """A Slack-compatible message for an `alert.v1` document, a CloudWatch alarm, or any other text."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return _message("Notice", text, [], links)
    if document.get("contract") == "alert.v1":
        return _alert(document, links)
    if "AlarmName" in document:
        return _cloudwatch(document, links)
    return _message("Notice", text, [], links)


def _facts(alert: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what an alert states, by name."""
    facts = [
        ("Stack", alert["stack"]),
        ("Model", f"{alert['model']} {alert['model_version']}"),
        ("At", alert["timestamp"]),
    ]
    drift = alert.get("drift")
    if drift:
        facts += [
            ("Since", drift["since"]),
            ("Effect", f"{drift['effect']:.2g} sd"),
            ("Events", f"{drift['events']:,}"),
        ]
        if drift.get("before") is not None and drift.get("after") is not None:
            facts.append(("Size", f"{drift['before']:.4g} before, {drift['after']:.4g} now ({drift['unit']})"))
    return facts


def _alert(alert: Mapping[str, Any], links: Mapping[str, str]) -> dict[str, Any]:
    mark = ":rotating_light:" if alert["state"] == "ALARM" else ":white_check_mark:"
    facts = _facts(alert)
    steps = "\n".join(f"• {step}" for step in alert.get("next", []))
    return _message(
        f"{mark} {alert['title']}", f"{alert['reason']}\n{steps}".strip(), facts, {**links, **alert.get("links", {})}
    )


def _cloudwatch(alarm: Mapping[str, Any], links: Mapping[str, str]) -> dict[str, Any]:
    mark = {"ALARM": ":rotating_light:", "OK": ":white_check_mark:"}.get(
        str(alarm.get("NewStateValue")), ":grey_question:"
    )
    facts = [
        ("State", f"{alarm.get('OldStateValue', '?')} to {alarm.get('NewStateValue', '?')}"),
        ("Region", str(alarm.get("Region", "?"))),
        ("At", str(alarm.get("StateChangeTime", "?"))),
    ]
    text = "\n".join(str(alarm[name]) for name in ("AlarmDescription", "NewStateReason") if alarm.get(name))
    return _message(f"{mark} {alarm['AlarmName']}", text, facts, links)


def _message(title: str, text: str, facts: list[tuple[str, str]], links: Mapping[str, str]) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": title[:150], "emoji": True}}
    ]
    if text:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": _escape(text, LONGEST)}})
    if facts:
        texts = [f"*{name}*\n{_escape(value, LONGEST_FIELD)}" for name, value in facts[:10]]
        blocks.append({"type": "section", "fields": [{"type": "mrkdwn", "text": text} for text in texts]})
    if links:
        look = " · ".join(f"<{_address(address)}|{_label(name)}>" for name, address in links.items())
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": look}]})
    return {"text": _escape(title), "blocks": blocks}


def _escape(text: str, longest: int | None = None) -> str:
    """Escape Slack's three control characters: else `<!channel>` in the name of a category would call everybody.

    Source: "Formatting text for app surfaces" in Slack's documentation; plain_text elements take no markup.
    longest: characters after escaping.
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if longest is None or len(escaped) <= longest:
        return escaped
    return _HALF.sub("", escaped[:longest])


def _label(text: str) -> str:
    """Return the text of a link; a bar would end it."""
    return _escape(text).replace("|", "/")


def _address(text: str) -> str:
    """Return a link's address, which neither ends the link nor becomes a mention."""
    return "".join(_IN_ADDRESS.get(character, character) for character in text)
