"""Everybody can read and work the page: any width, any theme, keyboard alone, assistive technology."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.world import CLASSIFIER, LONG_MODEL, MANY_CLASSES, evidence

STATES = {
    "quiet": "",
    "empty": "?model=fresh",
    "long names": f"?model={LONG_MODEL}",
    "two classes": f"?model={CLASSIFIER}",
    "many classes": f"?model={MANY_CLASSES}",
}


@pytest.fixture(scope="session")
def axe_source():
    import axe_playwright_python  # noqa: PLC0415 - of the browser set only

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")


def violations(page, source):
    page.evaluate(f"() => {{ {source} }}") if not page.evaluate("'axe' in window") else None
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{each['id']}: {node['html'][:120]} {node['failureSummary'][:200]}" for each in found for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("query", STATES.values(), ids=STATES)
def test_axe(visit, axe_source, query, scheme):
    """Axe finds no violation."""
    page = visit(query, color_scheme=scheme)
    assert violations(page, axe_source) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_in_alarm(visit, server, axe_source, scheme, width):
    """Axe finds no violation in an alarm with all details open."""
    server.world.evidence = evidence(server.world, alarm=True)
    page = visit(color_scheme=scheme, width=width)
    page.get_by_role("button", name="Only the area is unusual").click()
    expect(page.locator('#alarms li[data-key="high-drift"] details')).to_have_attribute("open", "")
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert violations(page, axe_source) == []


@pytest.mark.parametrize("query", STATES.values(), ids=STATES)
@pytest.mark.parametrize("width", [320, 360, 768, 1920])
def test_page_width(visit, query, width):
    """The page never scrolls sideways."""
    page = visit(query, width=width, height=740)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_alarm_on_phone(visit):
    """An alarm fits the screen of a phone."""
    page = visit(width=360, height=740, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="Nothing like the training data").click()
    expect(page.locator(".chips a")).to_have_count(4)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_keyboard_order(visit):
    """The keyboard alone reaches everything, in reading order."""
    page = visit()
    seen = []
    for _ in range(70):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => {
                const at = document.activeElement;
                if (at === document.body) return null;
                const style = getComputedStyle(at);
                return {what: at.id || at.dataset.scenario || at.closest('section, header')?.id || at.className,
                        name: at.getAttribute('aria-label') || at.textContent.trim() || at.title,
                        ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2};
            }"""
        )
        if at is None:
            break
        seen.append(at)
    order = [each["what"] for each in seen]
    assert order[:5] == ["skip", "model", "minutes", "theme", "baseline"]
    assert all(each["ring"] and each["name"] for each in seen)
    assert {"baseline", "moderate", "high", "one-feature-sqft"} <= set(order)
    assert {"alarms", "features", "recent", "history"} <= set(order)
    assert order.index("baseline") < order.index("timeline") < order.index("alarms") < order.index("features")


def test_skip_link(visit):
    """The skip link leads to the main part."""
    page = visit()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_enter_keeps_focus(visit):
    """Enter sends a scenario and keeps the focus."""
    page = visit()
    page.locator("[data-scenario=high]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#verdict")).to_have_attribute("data-level", "alarm")
    assert page.evaluate("document.activeElement.dataset.scenario") == "high"


def test_arrow_keys(visit):
    """Arrow keys read a chart."""
    page = visit()
    plot = page.locator("#timeline .plot").first
    plot.focus()
    page.keyboard.press("ArrowLeft")
    first = plot.get_attribute("aria-label")
    page.keyboard.press("ArrowLeft")
    assert "average" in first
    assert plot.get_attribute("aria-label") != first


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(244, 245, 247)"), ("dark", "rgb(12, 15, 20)")])
def test_system_theme(visit, scheme, ground):
    """The system's theme is followed."""
    page = visit(color_scheme=scheme)
    expect(page.locator("body")).to_have_css("background-color", ground)


def test_chosen_theme(visit):
    """A chosen theme is kept."""
    page = visit(color_scheme="light")
    button = page.locator("#theme")
    expect(button).to_have_text("Theme: system")
    button.click()
    button.click()
    expect(button).to_have_text("Theme: dark")
    page.reload()
    expect(page.locator("body")).to_have_css("background-color", "rgb(12, 15, 20)")
    expect(button).to_have_text("Theme: dark")


def test_reduced_motion(visit):
    """Reduced motion stops the animation."""
    page = visit(reduced_motion="reduce")
    expect(page.locator("#connection .dot")).to_have_css("animation-name", "none")
