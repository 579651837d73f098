"""The evidence panel: what drifted, how sure, how large, and what other settings would have said."""

from __future__ import annotations

import json
import re
import urllib.request
from urllib.parse import unquote

import pytest
from playwright.sync_api import expect

from tests.browser.test_page_real import console  # noqa: F401 - the real console, as a fixture
from tests.browser.visiting import Visit
from tests.browser.world import decided, drift_of, evidence, iso
from tests.support.houses import houses

LEVEL = "data-level"


@pytest.fixture
def alarmed(server):
    server.world.evidence = evidence(server.world, alarm=True)
    return server


@pytest.mark.usefixtures("alarmed")
def test_verdict(visit):
    """The verdict states the feature, the size and the time."""
    page = visit()
    expect(page.locator("#verdict")).to_have_attribute(LEVEL, "alarm")
    expect(page.locator(".headline")).to_have_text(
        re.compile(r"^Drift in sqft: the mean rose from 2,000 to 2,260 square feet, since \d\d:\d\d$")
    )
    expect(page.locator(".verdict .detail")).to_contain_text("sqft: the mean rose")
    expect(page.locator(".chips a")).to_have_text("sqft+0.5 sd")


def test_quiet_verdict(visit, server):
    """Below the threshold the page is quiet and says so."""
    server.world.evidence = evidence(server.world, alarm=False)
    page = visit()
    expect(page.locator("#verdict")).to_have_attribute(LEVEL, "quiet")
    expect(page.locator("#evidence .aside").first).to_have_text(
        "no drift found, one false alarm in 100,000 events at most"
    )
    expect(page.locator("#evidence")).to_contain_text("No drift has been found.")


@pytest.mark.usefixtures("alarmed")
def test_alert_explained(visit):
    """An alert is shown with its explanation."""
    alert = visit().locator("#evidence .alerts li").first
    expect(alert).to_contain_text("house-price: drift in sqft: the mean rose from 2,000 to 2,260 square feet")
    expect(alert).to_contain_text("2,000 before, 2,260 after (square feet), over 80 events.")
    expect(alert).to_contain_text("Ask whether its source or the callers changed at that time")


@pytest.mark.usefixtures("alarmed")
def test_channel_words(visit):
    """Channels are described in words."""
    page = visit()
    expect(page.locator("#evidence .top li").first).to_contain_text("sqft up")
    expect(page.locator("#evidence .top li").last).to_contain_text("age with sqft")


@pytest.mark.usefixtures("alarmed")
def test_effects(visit):
    """Effects are drawn and listed."""
    page = visit()
    expect(page.locator("#evidence .effects article")).to_have_count(3)
    first = page.locator("#evidence .effects article").first
    expect(first).to_contain_text("Mean +0.52 standard deviations (+0.42 to +0.62) · PSI 0.260 · KS 0.173 · p < 0.0001")
    expect(first.locator("canvas")).to_be_visible()
    page.locator("#evidence .effect-part summary").click()
    expect(page.locator("#evidence .effect-part tbody tr")).to_have_count(3)


@pytest.mark.usefixtures("alarmed")
def test_replay(visit):
    """A replay is described and drawn, and can be closed."""
    page = visit()
    page.get_by_label("One false alarm per").fill("1000")
    page.get_by_role("button", name="Replay").click()
    said = page.locator("#evidence .said")
    expect(said).to_have_text(
        re.compile(
            r"^With one false alarm in 1,000 events, effects from 0\.1 standard deviations: "
            r"1 alarm in 19 windows with 1,120 events: "
            r"sqft: the mean rose from 2,000 to 2,260 square feet at \d\d:\d\d:\d\d\. "
            r"Held against the training rows, as in the service until a rhythm is learned\.$"
        )
    )
    page.locator("#evidence summary[aria-label='Data table: evidence over time']").click()
    newest = page.locator("#evidence .data tbody tr").first.locator("td")
    expect(newest.nth(0)).to_have_text("1.17")
    expect(newest.nth(1)).to_have_text("1.94")
    page.get_by_role("button", name="Clear").click()
    expect(newest.nth(1)).to_have_text("\N{EN DASH}")
    expect(page.get_by_role("button", name="Clear")).to_be_hidden()


@pytest.mark.usefixtures("alarmed")
def test_keyboard_replay(visit):
    """The keyboard alone can replay."""
    page = visit()
    page.get_by_label("Smallest effect, in standard deviations").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("0.9")
    page.keyboard.press("Enter")
    expect(page.locator("#evidence .said")).to_contain_text(
        "effects from 0.9 standard deviations: no alarm in 19 windows"
    )


@pytest.mark.usefixtures("alarmed")
def test_refused_replay(visit):
    """A replay that is refused shows the reason."""
    page = visit()
    page.get_by_label("One false alarm per").fill("500")
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#evidence .said")).to_have_text("Not replayed: budget: expected a number from 1000.")


@pytest.mark.usefixtures("alarmed")
@pytest.mark.parametrize("width", [320, 360, 768, 1920])
def test_panel_width(visit, width):
    """The panel never scrolls sideways."""
    page = visit(width=width, height=740)
    expect(page.locator("#evidence")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def send(url, seed, rows, shift=0.0):
    for features in houses(seed, rows, shift):
        body = json.dumps({"features": features}).encode()
        request = urllib.request.Request(f"{url}predict", body, {"content-type": "application/json"})
        urllib.request.urlopen(request, timeout=30).close()


def evidence_of(url):
    with urllib.request.urlopen(f"{url}console/api/state", timeout=30) as answer:
        return json.load(answer)["evidence"]


def test_two_drifts(visit, server):
    """While two drifts stand, the headline has the first and the line below it the second."""
    found = evidence(server.world, alarm=True)
    first = found["verdict"]["drifts"][0]
    second = drift_of(iso(server.world.now - 100), "age")
    muted = drift_of(iso(server.world.now - 60), "bedrooms", "2026-12-01T00:00:00.000Z")
    server.world.evidence = found | {"verdict": decided([first, second, muted])}
    page = visit()
    expect(page.locator(".headline")).to_contain_text("Drift in sqft: ")
    expect(page.locator(".verdict .detail")).to_contain_text("Also drifting: age: the mean rose")
    expect(page.locator(".verdict .detail")).to_contain_text("Muted until 2026-12-01: bedrooms")
    expect(page.locator("#evidence .alerts li[data-state=MUTED]")).to_contain_text("Muted until 2026-12-01")


@pytest.mark.usefixtures("alarmed")
def test_acknowledgement(visit, server):
    """An alert is acknowledged with a name and a reason, and that is taken back."""
    page = visit()
    sent = []
    page.route(
        "**/acknowledgement?*", lambda route: (sent.append(route.request.post_data_json), route.fulfill(json={}))
    )
    form = page.locator("#evidence form.acknowledge")
    form.get_by_label("Your name").fill("Ada")
    form.get_by_label("Why it can be left").fill("a sale")
    form.get_by_role("button", name="Acknowledge").click()
    expect(form).to_contain_text("Saved.")
    alert_id = server.world.evidence["alerts"][0]["alert_id"]
    entry = {"alert_id": alert_id, "who": "Ada", "why": "a <b>sale</b>", "at": iso(server.world.now), "undone": False}
    server.world.evidence = server.world.evidence | {"acknowledged": {alert_id: entry}}
    shown = page.locator("#evidence .acknowledged")
    expect(shown).to_contain_text("Acknowledged by Ada")
    expect(shown).to_contain_text("a <b>sale</b>")
    shown.get_by_role("button", name="Undo").click()
    expect(shown).to_contain_text("Saved.")
    assert [body.get("undo", False) for body in sent] == [False, True]


@pytest.mark.usefixtures("alarmed")
def test_acknowledgement_of_the_past(visit, server):
    """An alert that is over has no form; what was kept of it can be taken back, and then it has none either."""
    page = visit()
    form = page.locator("#evidence .alerts form.acknowledge")
    expect(form).to_have_count(1)
    (alert,) = server.world.evidence["alerts"]
    end = alert | {"alert_id": "019ab0f2-7c1e-5d3a-9b1f-0a1b2c3d4e60", "state": "OK", "title": "it has ended"}
    server.world.evidence |= {"alerts": [end, alert], "verdict": decided([])}
    expect(page.locator("#evidence .alerts li")).to_have_count(2)
    expect(form).to_have_count(0)
    entry = {"alert_id": alert["alert_id"], "who": "Ada", "why": "a sale", "at": iso(server.world.now), "undone": False}
    server.world.evidence |= {"acknowledged": {alert["alert_id"]: entry}}
    shown = page.locator("#evidence .alerts .acknowledged")
    expect(shown.get_by_role("button", name="Undo")).to_be_visible()
    server.world.evidence |= {"acknowledged": {}}
    expect(shown).to_have_count(0)
    expect(form).to_have_count(0)


@pytest.mark.usefixtures("alarmed")
def test_difference_from_training(visit, server):
    """What differs from training is acknowledged beside the alarm, and taken back where it was kept."""
    alert_id = server.world.evidence["alerts"][0]["alert_id"]
    words = "the mean of sqft is 0.52 standard deviations higher (0.44 to 0.6), since 5 October 2026"
    entry = {"channel": "sqft", "of": ["sqft"], "words": words, "alerts": [alert_id]}
    pair = {"channel": "product:age:sqft", "of": ["age", "sqft"], "words": "age with sqft", "alerts": []}
    server.world.evidence = server.world.evidence | {"differs": [entry, pair]}
    page = visit()
    asked = []
    page.route("**/acknowledgement?*", lambda route: (asked.append(unquote(route.request.url)), route.fulfill(json={})))
    first, second = page.locator("#differs li").first, page.locator("#differs li").last
    expect(first).to_contain_text(words)
    expect(first.get_by_label("new normal")).to_be_hidden()
    first.get_by_label("Your name").fill("Ada")
    first.get_by_label("Why it can be left").fill("larger houses")
    first.get_by_role("button", name="Acknowledge").click()
    expect(first).to_contain_text("Saved.")
    by_id = {"alert_id": alert_id, "who": "Ada", "why": "larger houses", "at": iso(server.world.now), "undone": False}
    by_feature = by_id | {"alert_id": "training:sqft"}
    server.world.evidence |= {"acknowledged": {"training:sqft": by_feature}}
    expect(second).to_contain_text("Acknowledged by Ada")
    server.world.evidence |= {"acknowledged": {alert_id: by_id | {"who": "Bob"}}}
    expect(first).to_contain_text("Acknowledged by Bob")
    first.get_by_role("button", name="Undo").click()
    expect(first).to_contain_text("Saved.")
    assert ["training:sqft" in url for url in asked] == [True, False]
    assert alert_id in asked[1]


def test_times_of_other_days(visit, server):
    """An alert of another day is shown with its day, and the headline with the oldest drift."""
    since, raised = iso(server.world.now - 3 * 86_400), iso(server.world.now - 2 * 86_400)
    found = evidence(server.world, alarm=True)
    found["alerts"][0]["timestamp"] = raised
    server.world.evidence = found | {"verdict": decided([drift_of(found["since"], "age"), drift_of(since)])}
    page = visit()
    when = page.locator("#evidence .alerts time").first
    expect(when).to_have_attribute("datetime", raised)
    expect(when).to_have_text(re.compile(r"^[A-Z][a-z]{2} \d{1,2} \d\d:\d\d:\d\d$"))
    expect(page.locator("#evidence .aside time").first).to_have_attribute("datetime", since)


def test_real_console(browser, console):  # noqa: F811 - the fixture
    """The real console finds a shift that no score shows."""
    visit = Visit(browser, console)
    page = visit("?minutes=5")
    send(console, 1, 300)
    expect(page.locator("#evidence .effects article")).to_have_count(6)
    for seed in range(2, 400):
        send(console, seed, 25, shift=0.75)
        if evidence_of(console)["alarm"]:
            break
    expect(page.locator(".headline")).to_have_text(
        re.compile(r"^Drift in sqft: the mean rose from [\d,.]+ to [\d,.]+ square feet, since ")
    )
    expect(page.locator("#evidence .top li").first).to_contain_text("sqft up")
    expect(page.locator("#evidence .alerts > li")).to_have_count(1)
    expect(page.locator('#alarms li[data-key="high-drift"]')).to_have_attribute("data-state", "OK")
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#evidence .said")).to_contain_text(re.compile("1 alarm in .*: sqft: the mean rose .* at "))
    assert visit.complaints == []
    assert [url for url in visit.requests if not url.startswith(console)] == []
    visit.close()
