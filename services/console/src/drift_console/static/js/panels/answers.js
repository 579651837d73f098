// What a classifier answers: its classes over time and over the baseline, its score with the threshold, its calibration.

import { chart, overTime, uPlot } from "../charts.js";
import { dataTable, h, heading, reconcile, setText, table, whenChanged } from "../dom.js";
import { among, number, plural, share } from "../format.js";
import { calibrationPart } from "./calibration.js";
import { distribution } from "./distribution.js";

const MOST = 7; // classes that are drawn one by one, the others together as the last of them
const hueOf = (place) => `class-${place % MOST}`;
const at = (data, i) => among(data[0], data[0][i]);

export function answersPanel(root) {
  let state = null;
  const status = h("span", { class: "aside" });
  const mix = mixPart();
  const calibration = calibrationPart();
  const score = h("div", { class: "score" });
  const rule = h("p", { class: "muted small" });
  root.append(heading("answers", "Answers", status),
    h("div", { class: "answers" }, mix.course, mix.list, score, calibration.node), rule);
  let card = null;

  return (next) => {
    state = next;
    const { answers } = state;
    root.hidden = !answers;
    if (!answers) return;
    const count = answers.mix?.count ?? 0;
    setText(status, count ? plural(count, "answer") : "no window of traffic is over yet");
    setText(rule, ruleOf(answers));
    mix.update(answers.mix);
    calibration.update(answers);
    score.hidden = !answers.score;
    if (!answers.score) return;
    if (!card) {
      card = distribution(answers.score, { id: "answer-score", mark: limitOf(answers) });
      score.append(card);
    }
    card.update(answers.score, state);
  };
}

/** The score from which on the label is the positive one of two classes, as a line to draw; null of more. */
export const limitOf = ({ positive, threshold }) => (positive === null ? null : threshold ?? 0.5);

/** When which class is answered, in a sentence. */
function ruleOf({ positive, threshold }) {
  if (positive === null) return "The label is the class that the library names: the most probable. The score is its probability.";
  const when = threshold === null ? "by the library's own rule, at one half" : `from a score of ${number(threshold)} on`;
  return `The score is the probability of ${positive}. The label is ${positive} ${when}.`;
}

/** {course, list, update(mix)}: the shares of the classes, over time and beside those of the held-out rows. */
function mixPart() {
  let mix = null;
  let plotted = null;
  const block = h("div", { class: "block mix" }, h("h3", {}, "Classes over time"));
  const none = h("p", { class: "muted" }, "Nothing yet: labels are counted with the first minute of traffic that is over.");
  const numbers = dataTable("classes over time", () => table("Newest first", ["Time", ...mix.names], mix.times
    .map((time, i) => [among(mix.times, time), ...mix.course.map((shares) => share(shares[i]))])
    .filter((row) => row[1] !== "–").reverse()));
  const course = h("div", {}, block, none, numbers);
  const rows = h("ul", { class: "classes" });
  const list = h("div", {}, h("h3", {}, "Classes now and in training"), rows,
    h("p", { class: "muted small" }, "Bar: share of the answers shown. Line: share of the held-out answers."));

  /** The chart has a series for each class, so another set of classes is another chart. */
  function plot() {
    plotted?.remove();
    block.replaceChildren(block.firstChild);
    plotted = chart(block, {
      label: "Classes over time", title: at, utc: true, last: (data) => (data[0].length ? data[0].length - 1 : null),
      legend: mix.names.map((name, place) => ({ label: name, swatch: hueOf(place), read: (d, i) => share(shareAt(d, place, i)) })),
      options: (colour) => ({
        ...overTime(colour, { range: () => [0, 1], format: (value) => share(value) }),
        scales: { x: { range: wholeColumns }, y: { range: () => [0, 1] } },
        // The last class comes first and reaches the top; each one after it covers what is not its own.
        series: [{}, ...mix.names.map((_, place) => mix.names.length - 1 - place).map((place) => (
          { stroke: colour(hueOf(place)), fill: colour(hueOf(place)), width: 0, paths: uPlot.paths.bars({ size: [0.92, 60, 1] }), points: { show: false } }))],
      }),
    });
  }
  const plotWhenChanged = whenChanged(plot);

  return {
    course, list,
    update(next) {
      mix = next;
      list.hidden = block.hidden = numbers.hidden = !mix;
      none.hidden = Boolean(mix?.count);
      if (!mix) return;
      block.hidden = !mix.count;
      plotWhenChanged(mix.names);
      plotted.update(stacked(mix), mix.names.map((name, place) => `${name} ${share(mix.live[place])}`).join(", "));
      reconcile(rows, mix.names.map((name, place) => ({ name, place })), (row) => row.name, classRow, (node, { place }) => updateRow(node, mix, place));
      numbers.refresh();
    },
  };
}

/** The buckets that hold answers, as sums of shares from the first class on, the largest sum first. */
function stacked(mix) {
  const filled = mix.times.map((_, i) => i).filter((i) => mix.course[0][i] !== null);
  const sums = filled.map((i) => {
    let sum = 0;
    return mix.course.map((shares) => (sum += shares[i]));
  });
  return [filled.map((i) => mix.times[i]), ...mix.names.map((_, place) => sums.map((each) => each[mix.names.length - 1 - place]))];
}

/** The span of time that shows the first and the last column whole. */
function wholeColumns(u, low, high) {
  const times = u.data[0];
  if (!times.length) return [low, high];
  const gaps = times.slice(1).map((time, i) => time - times[i]);
  const half = (gaps.length ? Math.min(...gaps) : 60) / 2;
  // Not low and high: of a single column the chart makes a span of a day.
  return [times[0] - half, times[times.length - 1] + half];
}

/** The share of one class in stacked data. */
function shareAt(data, place, index) {
  const series = data.length - 1 - place; // the first class is the last series
  const below = place === 0 ? 0 : data[series + 1][index];
  return data[series][index] - below;
}

function classRow({ name }) {
  return h("li", {}, h("span", { class: "name", title: name }, name),
    h("span", { class: "meter", "aria-hidden": "true" }, h("span", { class: "fill" }), h("span", { class: "before" })),
    h("span", { class: "now" }), h("span", { class: "then muted" }));
}

function updateRow(node, mix, place) {
  const meter = node.querySelector(".meter");
  meter.style.setProperty("--part", mix.live[place]);
  meter.style.setProperty("--before", mix.baseline[place]);
  node.querySelector(".fill").dataset.hue = hueOf(place);
  setText(node.querySelector(".now"), mix.count ? share(mix.live[place]) : "–");
  setText(node.querySelector(".then"), `of ${share(mix.baseline[place])}`);
}
