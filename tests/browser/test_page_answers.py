"""A classifier's page: classes over time, the score with its threshold, calibration, scores by class."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.world import CLASSIFIER, MANY_CLASSES, decided, evidence

TWO = f"?model={CLASSIFIER}"
MANY = f"?model={MANY_CLASSES}"


def open_tables(page):
    """Unfold every table of numbers."""
    page.evaluate("document.querySelectorAll('details.data').forEach((each) => { each.open = true; })")


def test_a_regressors_page_has_no_answers(visit):
    """A regressor is shown as before: predictions in their unit, no classes."""
    page = visit()
    expect(page.locator("#answers")).to_be_hidden()
    expect(page.locator("#timeline h3").nth(1)).to_have_text("Predictions")
    expect(page.locator("#recent tbody td").first).to_contain_text("$")
    expect(page.locator("#card")).not_to_contain_text("Exactness")


def test_classes(visit, server):
    """Each class has its share now and in training, and a column for every window."""
    page = visit(TWO)
    mix = server.world.state(CLASSIFIER)["answers"]["mix"]
    rows = page.locator("#answers .classes li")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("late")
    expect(rows.nth(1)).to_contain_text(f"{round(100 * mix['live'][1])}%")
    expect(rows.nth(1)).to_contain_text("of 40%")
    expect(page.locator("#answers .mix canvas")).to_be_visible()
    open_tables(page)
    table = page.locator("#answers table").first
    windows = sum(value is not None for value in mix["course"][0])
    expect(table.locator("thead th")).to_have_text(["Time", "on-time", "late"])
    expect(table.locator("tbody tr")).to_have_count(windows)


def test_importances(visit):
    """The card lists what shuffling each of the most important features adds to the error."""
    table = visit(TWO).locator("#card").get_by_role("region", name="Importances")
    expect(table.locator("thead th")).to_have_text(["Importance of", "Error added", "Interval"])
    expect(table.locator("tbody tr").first).to_contain_text("hour")


def test_arrow_keys(visit, server):
    """Arrow keys read the shares of a window, which sum to all of its answers."""
    page = visit(TWO)
    plot = page.locator("#answers .mix .plot")
    plot.focus()
    page.keyboard.press("ArrowLeft")
    mix = server.world.state(CLASSIFIER)["answers"]["mix"]
    windows = [place for place, value in enumerate(mix["course"][0]) if value is not None]
    expected = [f"{round(100 * shares[windows[-2]])}%" for shares in mix["course"]]
    expect(page.locator("#answers .mix .legend .value")).to_have_text(expected)


def test_many_classes(visit):
    """Of many classes the six largest have colours of their own."""
    page = visit(MANY)
    expect(page.locator("#answers .classes li")).to_have_count(7)
    expect(page.locator("#answers .classes li").last).to_contain_text("5 other classes")
    expect(page.locator("#answers")).to_contain_text("The score is its probability.")


def test_the_score_has_its_threshold(visit):
    """The score is a number without a unit, and the rule by which the label follows is said."""
    page = visit(TWO)
    expect(page.locator("#answer-score h3")).to_have_text("score")
    expect(page.locator("#answer-score")).to_contain_text("Probability of late")
    expect(page.locator("#answers")).to_contain_text("The label is late from a score of 0.5 on.")
    expect(page.locator("#timeline h3").nth(1)).to_have_text("Score")
    expect(page.locator("#timeline .block").nth(1).locator(".legend")).not_to_contain_text("$")


def test_calibration_is_drawn_and_listed(visit):
    """Every bin of the held-out rows stands in the table with its interval."""
    page = visit(TWO)
    expect(page.locator("#answers .calibration canvas")).to_be_visible()
    expect(page.locator("#answers")).to_contain_text("How often the class was late")
    expect(page.locator("#answers")).to_contain_text("over 1,750 rows")
    open_tables(page)
    rows = page.locator("#answers table").last.locator("tbody tr")
    expect(rows).to_have_count(10)
    expect(rows.first).to_contain_text("0.00 to 0.10")


def test_a_model_without_calibration_says_so(visit, server):
    """What was not measured is not drawn."""
    state = server.world.state
    server.world.state = lambda name=None: _without_figures(state(name))
    page = visit(TWO)
    expect(page.locator("#answers")).to_contain_text("No calibration is recorded")
    expect(page.locator("#answers .calibration")).to_be_hidden()
    expect(page.locator("#answers")).to_contain_text("labels are counted with the first minute")
    expect(page.locator("#answers .score")).to_be_hidden()
    expect(page.locator("#answers")).to_contain_text("by the library's own rule")


def _without_figures(state):
    state["answers"] |= {"calibration": [], "mix": None, "score": None, "threshold": None}
    return state


def test_newest_answers(visit, server):
    """The newest predictions show label and probability, with all probabilities on demand."""
    page = visit(TWO)
    newest = server.world.state(CLASSIFIER)["recent"][0]
    cell = page.locator("#recent tbody tr").first.locator("td.label")
    expect(cell).to_contain_text(newest["label"])
    expect(cell).to_contain_text(f"{round(100 * newest['probabilities'][newest['label']])}%")
    assert "on-time" in cell.get_attribute("title")


def test_a_scenario_counts_its_answers(visit):
    """What the model answered to a scenario is said."""
    page = visit(TWO)
    page.locator("[data-scenario=high]").click()
    expect(page.locator(".answer")).to_contain_text("; answered late ")


def test_card(visit):
    """The card has scores by class, how rows were held out, and how exact the model is."""
    card = visit(TWO).locator("#card")
    classes = card.get_by_role("region", name="Scores by class")
    expect(classes.locator("tbody tr")).to_have_count(2)
    expect(card).to_contain_text("LOG LOSS")
    expect(card).to_contain_text("exact-link: at most 1 ulp over 3,000 rows and 20,000 hard ones")
    expect(card).to_contain_text("the latest rows, 2013-11-01 to 2013-12-31")


def test_unproven_card(visit):
    """The card of a model that was compared with nothing says so, and no figure beside it says otherwise."""
    card = visit(MANY).locator("#card")
    expect(card).to_contain_text("unproven: compared with nothing")
    expect(card).not_to_contain_text("ulp")
    expect(card).not_to_contain_text("Compared with")


def test_headline(visit, server):
    """The verdict names the part of the answer that drifts, and its chip leads to the answers."""
    found = evidence(server.world, alarm=True)
    drift = found["verdict"]["drifts"][0] | {"of": ["prediction"], "words": "label: the share of late rose"}
    server.world.evidence = found | {"verdict": decided([drift])}
    page = visit(TWO)
    expect(page.locator(".headline")).to_contain_text("Drift in label: the share of late rose, since ")
    expect(page.locator(".chips a").first).to_have_attribute("href", "#answers")


def test_other_parts(visit, server):
    """Another drift is named beside the headline, which is not repeated."""
    found = evidence(server.world, alarm=True)
    first = found["verdict"]["drifts"][0]
    label = first | {"of": ["prediction"], "words": "label: the share of late rose"}
    margin = label | {"words": "margin: the mean fell", "alert_id": "another"}
    server.world.evidence = found | {"verdict": decided([label, margin])}
    detail = visit(TWO).locator(".verdict .detail")
    expect(detail).to_contain_text("Also drifting: margin: the mean fell, since ")
    expect(detail).not_to_contain_text("Also drifting: label")
