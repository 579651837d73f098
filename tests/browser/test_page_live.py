"""What a person sees while traffic runs, drifts, and the connection comes and goes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.world import LONG_MODEL, World, evidence

LEVEL = "data-level"
ALARMS, SCENARIOS = (len(World().state()[each]) for each in ("alarms", "scenarios"))


def test_loads_without_a_complaint_and_asks_nobody_else(visit, server):
    visit()
    assert visit.complaints == []
    assert [url for url in visit.requests if not url.startswith(server.url)] == []
    assert any("/console/api/stream" in url for url in visit.requests)


def test_quiet_traffic_is_called_quiet(visit):
    page = visit()
    expect(page.locator("#verdict")).to_have_attribute(LEVEL, "quiet")
    expect(page.locator(".headline")).to_have_text("All quiet")
    expect(page).to_have_title("All quiet · Drift Monitor")
    expect(page.locator("#alarms .aside")).to_have_text(f"{ALARMS} watched, none raised")


def test_new_predictions_appear_by_themselves(visit, server):
    page = visit()
    first = page.locator("#recent tbody tr").first
    before = first.get_attribute("data-key")
    server.world.advance(4)
    expect(first).not_to_have_attribute("data-key", before)
    expect(page.locator(".figures .big").first).to_have_text("142")


def test_a_scenario_leads_to_an_alarm_with_its_reason(visit):
    page = visit()
    page.get_by_role("button", name="Only the area is unusual").click()
    expect(page.locator("#verdict")).to_have_attribute(LEVEL, "alarm")
    expect(page.locator(".headline")).to_have_text(
        re.compile(r"^Drift: sqft is 12 sd above its baseline since 13:0\d$")
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


def test_a_folded_alarm_stays_folded_while_it_lasts(visit, server):
    page = visit()
    page.get_by_role("button", name="Only the area is unusual").click()
    alarm = page.locator('#alarms li[data-key="high-drift"]')
    expect(alarm.locator("details")).to_have_attribute("open", "")
    alarm.locator("summary").click()
    before = page.locator("#clock").text_content()
    server.world.advance(4)
    expect(page.locator("#clock")).not_to_have_text(before)
    expect(alarm.locator("details")).not_to_have_attribute("open", "")


def test_drift_without_an_alarm_yet_is_said_to_build(visit, server):
    house = server.world.models["house-price"]
    server.world.advance(30)
    for _ in range(12):
        server.world.now += 1
        house.observe(server.world.now, {**house.ordinary(server.world.random), "sqft": 4000})
    page = visit()
    expect(page.locator("#verdict")).to_have_attribute(LEVEL, "watch")
    expect(page.locator(".headline")).to_contain_text("Drift building: sqft is")
    expect(page.locator(".detail").first).to_contain_text("No alarm yet")


def test_every_scenario_of_the_suite_has_a_button(visit):
    page = visit()
    expect(page.locator("[data-scenario]")).to_have_count(SCENARIOS)


def test_a_scenario_that_fails_says_why(visit, server):
    page = visit()
    server.beat = 60.0
    page.wait_for_timeout(300)
    server.world.models["house-price"].scenarios = []
    page.locator("[data-scenario=high]").click()
    expect(page.locator(".answer")).to_have_text(
        "Nothing like the training data: not sent, expected one of the suite's names."
    )


def test_the_model_card_shows_the_warnings_of_the_training_as_text(visit, server):
    """A feature may have any name: what looks like markup is shown as it is."""
    words = "<b>sqft</b><img src=x onerror=alert(1)> equals the target"
    server.world.warnings = [
        {"kind": "target-among-features", "features": ["sqft"], "words": words},
        {"kind": "two-valued-target", "words": "the target has two values"},
    ]
    page = visit()
    shown = page.locator("#card .warnings")
    expect(shown.locator("h3")).to_have_text("2 warnings about the training data")
    expect(shown.locator("li")).to_have_text([words, "the target has two values"])
    expect(shown.locator("img, b")).to_have_count(0)


@pytest.mark.parametrize("warnings", [None, []], ids=["an older bundle", "none found"])
def test_without_warnings_the_model_card_says_nothing_of_them(visit, server, warnings):
    server.world.warnings = warnings
    page = visit()
    expect(page.locator("#card dd").first).to_have_text("house-price")
    expect(page.locator("#card .warnings")).to_have_count(0)


def test_another_model_replaces_everything(visit):
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


def test_without_predictions_a_line_to_paste_is_shown(visit, server):
    page = visit("?model=fresh")
    expect(page.locator("#verdict")).to_have_attribute(LEVEL, "empty")
    expect(page.locator(".headline")).to_have_text("No predictions yet")
    expect(page.locator("#empty code")).to_contain_text(
        f"curl -s {server.url}models/fresh/predict -H 'content-type: application/json'"
    )
    expect(page.locator("#recent")).to_contain_text("No predictions yet.")
    page.get_by_role("button", name="Ordinary houses").click()
    expect(page.locator("#empty")).to_be_hidden()


def test_a_window_without_traffic_is_no_fresh_start(visit, server):
    server.world.advance(3600, traffic=False)
    page = visit()
    expect(page.locator(".headline")).to_have_text("No predictions in this window")
    expect(page.locator(".detail").first).to_have_text("The last came at 12:59. Choose a longer window to see it.")
    expect(page.locator("#empty")).to_be_hidden()


def test_the_window_asked_for_reaches_the_server_and_the_address(visit):
    page = visit()
    with page.expect_request(lambda request: "stream" in request.url and "minutes=60" in request.url):
        page.get_by_label("Window").select_option("60")
    assert "minutes=60" in page.url


def test_a_lost_connection_is_seen_and_mends_itself(visit, server):
    page = visit()
    server.stop()
    expect(page.locator("#connection")).to_have_attribute("data-status", "lost")
    expect(page.locator("#connection")).to_have_text("Connection lost, retrying")
    expect(page.locator(".headline")).to_have_text("All quiet")
    server.start()
    expect(page.locator("#connection")).to_have_attribute("data-status", "live")
    expect(page.locator("body")).not_to_have_class("stale")


def test_without_a_stream_the_page_polls(visit, server):
    server.streams = False
    page = visit(wait="polling")
    server.world.advance(4)
    expect(page.locator(".figures .big").first).to_have_text("142")
    server.streams = True
    expect(page.locator("#connection")).to_have_attribute("data-status", "live")


def test_a_silent_stream_that_still_lives_stays_live(visit, server):
    server.beat = 60.0
    page = visit()
    server.world.advance(4)
    expect(page.locator(".figures .big").first).to_have_text("142", timeout=12_000)
    expect(page.locator("#connection")).to_have_attribute("data-status", "live")


def test_evidence_is_hidden_until_there_is_some(visit, server):
    page = visit()
    expect(page.locator("#evidence")).to_be_hidden()
    server.world.evidence = evidence(server.world, alarm=True)
    expect(page.locator("#evidence")).to_be_visible()
    expect(page.locator("#evidence .top li").first).to_contain_text("sqft up")
    expect(page.locator("#verdict")).to_have_attribute(LEVEL, "alarm")


def test_charts_have_their_numbers_in_tables(visit):
    page = visit()
    page.locator("#timeline .data summary").click()
    expect(page.locator("#timeline .data tbody tr").first.locator("td")).to_have_count(6)
    page.locator("#feature-sqft .data summary").click()
    expect(page.locator("#feature-sqft .data tbody tr")).to_have_count(10)


def test_times_are_local_with_utc_on_hover(visit):
    page = visit()
    time = page.locator("#recent tbody time").first
    expect(time).to_have_text("12:59:52")
    expect(time).to_have_attribute("title", "2026-11-23 11:59:52 UTC")


def test_names_never_become_markup(visit, server):
    house = server.world.models["house-price"]
    house.scenarios = [{"name": "x", "title": "<img src=x onerror=alert(1)>", "requests": [{}]}]
    page = visit()
    expect(page.get_by_role("button", name="<img src=x")).to_be_visible()
    assert page.locator("#scenarios img").count() == 0
