"""What a person sees while traffic runs, drifts, and the connection comes and goes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.world import LONG_MODEL, World, evidence

LEVEL = "data-level"
ALARMS, SCENARIOS = (len(World().state()[each]) for each in ("alarms", "scenarios"))


def test_loads_alone(visit, server):
    """The page loads without an error and requests nothing from elsewhere."""
    visit()
    assert visit.complaints == []
    assert [url for url in visit.requests if not url.startswith(server.url)] == []
    assert any("/console/api/stream" in url for url in visit.requests)


def test_quiet_traffic(visit):
    """Quiet traffic is reported as quiet."""
    page = visit()
    expect(page.locator("#verdict")).to_have_attribute(LEVEL, "quiet")
    expect(page.locator(".headline")).to_have_text("All quiet")
    expect(page).to_have_title("All quiet · Drift Monitor")
    expect(page.locator("#alarms .aside")).to_have_text(f"{ALARMS} watched, none raised")


def test_new_predictions(visit, server):
    """New predictions appear by themselves."""
    page = visit()
    first = page.locator("#recent tbody tr").first
    before = first.get_attribute("data-key")
    server.world.advance(4)
    expect(first).not_to_have_attribute("data-key", before)
    expect(page.locator(".figures .big").first).to_have_text("142")


def test_scenario_alarm(visit):
    """A scenario leads to an alarm with its reason."""
    page = visit()
    page.get_by_role("button", name="Only the area is unusual").click()
    expect(page.locator("#verdict")).to_have_attribute(LEVEL, "alarm")
    expect(page.locator(".headline")).to_have_text(re.compile(r"^Alarm: .* since 13:0\d$"))
    expect(page.locator(".detail").first).to_contain_text(
        "Large effect without evidence: sqft is 12 standard deviations above"
    )
    expect(page.locator(".answer")).to_have_text(
        "Only the area is unusual: sent 20 requests, average drift score 2.41 (high)."
    )
    alarm = page.locator('#alarms li[data-key="high-drift"]')
    expect(alarm.locator("details")).to_have_attribute("open", "")
    expect(alarm.locator(".reason")).to_contain_text("above the threshold 2.0")
    expect(alarm.locator(".next li").first).to_contain_text("Look at which features drifted")
    expect(page.locator("#history li").first).to_contain_text("Average drift score over the threshold")
    expect(page.locator("#feature-sqft")).to_have_class(re.compile("off"))
    expect(page.locator(".chips a")).to_have_text(["sqft+12 sd"])


def test_folded_alarm(visit, server):
    """A folded alarm stays folded while it lasts."""
    page = visit()
    page.get_by_role("button", name="Only the area is unusual").click()
    alarm = page.locator('#alarms li[data-key="high-drift"]')
    expect(alarm.locator("details")).to_have_attribute("open", "")
    alarm.locator("summary").click()
    before = page.locator("#clock").text_content()
    server.world.advance(4)
    expect(page.locator("#clock")).not_to_have_text(before)
    expect(alarm.locator("details")).not_to_have_attribute("open", "")


def test_building_drift(visit, server):
    """Drift without an alarm yet is reported to build."""
    house = server.world.models["house-price"]
    server.world.advance(30)
    for _ in range(12):
        server.world.now += 1
        house.observe(server.world.now, {**house.ordinary(server.world.random), "sqft": 4000})
    page = visit()
    expect(page.locator("#verdict")).to_have_attribute(LEVEL, "watch")
    expect(page.locator(".headline")).to_have_text("No drift found yet")
    expect(page.locator(".detail").first).to_contain_text("No alarm yet")


def test_scenario_buttons(visit):
    """Every scenario of the suite has a button."""
    page = visit()
    expect(page.locator("[data-scenario]")).to_have_count(SCENARIOS)


def test_failing_scenario(visit, server):
    """A scenario that fails shows the reason."""
    page = visit()
    server.beat = 60.0
    page.wait_for_timeout(300)
    server.world.models["house-price"].scenarios = []
    page.locator("[data-scenario=high]").click()
    expect(page.locator(".answer")).to_have_text(
        "Nothing like the training data: not sent, expected one of the suite's names."
    )


def test_card_warnings(visit, server):
    """The model card shows the warnings of the training, with markup as text."""
    words = "<b>sqft</b><img src=x onerror=alert(1)> equals the target"
    server.world.warnings = [
        {"kind": "target-among-features", "features": ["sqft"], "words": words},
        {"kind": "two-valued-target", "words": "the target has two values"},
    ]
    page = visit()
    shown = page.locator("#card .warnings")
    expect(shown.locator("h3")).to_have_text("2 warnings about the model and its training data")
    expect(shown.locator("li")).to_have_text([words, "the target has two values"])
    expect(shown.locator("img, b")).to_have_count(0)


@pytest.mark.parametrize("warnings", [None, []], ids=["an older bundle", "none found"])
def test_card_without_warnings(visit, server, warnings):
    """Without warnings the model card has no such part."""
    server.world.warnings = warnings
    page = visit()
    expect(page.locator("#card dd").first).to_have_text("house-price")
    expect(page.locator("#card .warnings")).to_have_count(0)


def test_another_model(visit):
    """Another model replaces everything."""
    page = visit()
    page.locator("#model").select_option(LONG_MODEL)
    expect(page.locator("#card dd").first).to_have_text(LONG_MODEL)
    expect(page.locator("#scenarios")).to_be_hidden()
    expect(page.locator("article.feature")).to_have_count(12)
    page.get_by_role("button", name="Show all 14 features").click()
    expect(page.locator("article.feature")).to_have_count(14)
    assert LONG_MODEL in page.url
    page.reload()
    expect(page.locator("#model")).to_have_value(LONG_MODEL)


def test_first_prediction(visit, server):
    """Without predictions a command to paste is shown."""
    page = visit("?model=fresh")
    expect(page.locator("#verdict")).to_have_attribute(LEVEL, "empty")
    expect(page.locator(".headline")).to_have_text("No predictions yet")
    expect(page.locator("#empty code")).to_contain_text(
        f"curl -s {server.url}models/fresh/predict -H 'content-type: application/json'"
    )
    expect(page.locator("#recent")).to_contain_text("No predictions yet.")
    page.get_by_role("button", name="Ordinary houses").click()
    expect(page.locator("#empty")).to_be_hidden()


def test_quiet_window(visit, server):
    """A window without traffic is no fresh start."""
    server.world.advance(3600, traffic=False)
    page = visit()
    expect(page.locator(".headline")).to_have_text("No predictions in this window")
    expect(page.locator(".detail").first).to_have_text("The last came at 12:59. Choose a longer window to see it.")
    expect(page.locator("#empty")).to_be_hidden()


def test_chosen_window(visit):
    """The chosen window reaches the server and the address."""
    page = visit()
    with page.expect_request(lambda request: "stream" in request.url and "minutes=60" in request.url):
        page.get_by_label("Window").select_option("60")
    assert "minutes=60" in page.url


def test_lost_connection(visit, server):
    """A lost connection is shown and comes back by itself."""
    page = visit()
    server.stop()
    expect(page.locator("#connection")).to_have_attribute("data-status", "lost")
    expect(page.locator("#connection")).to_have_text("Connection lost, retrying")
    expect(page.locator(".headline")).to_have_text("All quiet")
    server.start()
    expect(page.locator("#connection")).to_have_attribute("data-status", "live")
    expect(page.locator("body")).not_to_have_class("stale")


def test_polling(visit, server):
    """Without a stream the page polls."""
    server.streams = False
    page = visit(wait="polling")
    server.world.advance(4)
    expect(page.locator(".figures .big").first).to_have_text("142")
    server.streams = True
    expect(page.locator("#connection")).to_have_attribute("data-status", "live")


#: Makes patience fifty times shorter, so that the test need not wait for it.
HASTE = "const wait = AbortSignal.timeout; AbortSignal.timeout = (ms) => wait.call(AbortSignal, ms / 50)"


def test_slow_answers(visit, server):
    """A page whose server takes many seconds for each state shows them as they come."""
    server.streams, server.delay = False, 0.4
    page = visit(wait="polling", script=HASTE)
    expect(page.locator(".headline")).to_have_text("All quiet")
    server.world.advance(4)
    expect(page.locator(".figures .big").first).to_have_text("142")


def test_times_of_long_spans(visit, server):
    """Times have their day where a chart is of several days, its newest bucket too."""
    page = visit()
    newest = page.locator("#timeline .where").first
    expect(newest).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    server.world.bucket = 86_400
    expect(newest).to_have_text(re.compile(r"^[A-Z][a-z]{2} \d{1,2} \d\d:\d\d$"))


def test_silent_stream(visit, server):
    """A silent stream that still lives stays live."""
    server.beat = 60.0
    page = visit()
    server.world.advance(4)
    expect(page.locator(".figures .big").first).to_have_text("142", timeout=12_000)
    expect(page.locator("#connection")).to_have_attribute("data-status", "live")


def test_evidence_hidden(visit, server):
    """Evidence is hidden until there is some."""
    page = visit()
    expect(page.locator("#evidence")).to_be_hidden()
    server.world.evidence = evidence(server.world, alarm=True)
    expect(page.locator("#evidence")).to_be_visible()
    expect(page.locator("#evidence .top li").first).to_contain_text("sqft up")
    expect(page.locator("#verdict")).to_have_attribute(LEVEL, "alarm")


def test_chart_tables(visit):
    """Charts have their numbers in tables."""
    page = visit()
    page.locator("#timeline .data summary").click()
    expect(page.locator("#timeline .data tbody tr").first.locator("td")).to_have_count(6)
    page.locator("#feature-sqft .data summary").click()
    expect(page.locator("#feature-sqft .data tbody tr")).to_have_count(10)


def test_local_times(visit):
    """Times are local, with UTC on hover."""
    page = visit()
    time = page.locator("#recent tbody time").first
    expect(time).to_have_text("12:59:52")
    expect(time).to_have_attribute("title", "2026-11-23 11:59:52 UTC")


def test_names_never_become_markup(visit, server):
    """Names are shown as text, also where they hold markup."""
    house = server.world.models["house-price"]
    house.scenarios = [{"name": "x", "title": "<img src=x onerror=alert(1)>", "requests": [{}]}]
    page = visit()
    expect(page.get_by_role("button", name="<img src=x")).to_be_visible()
    assert page.locator("#scenarios img").count() == 0
