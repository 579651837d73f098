// One feature's card: shares per bin, live over baseline, and the course of its average.

import { chart, horizontal, leading, lonely, newest, overTime, uPlot, verticalAt } from "../charts.js";
import { dataTable, h, setText, table } from "../dom.js";
import { among, compact, deviations, number, quantity, share } from "../format.js";

const FEW = 8; // bins whose labels all fit below them

/**
 * The card of a feature; `card.update(feature, state, now)` brings it up to date; now: its current z if drifting.
 * `id` names the card where it is of no feature; a line is drawn at the value `mark`, if there is one.
 */
export function distribution(first, { id = `feature-${first.name}`, mark = null } = {}) {
  let feature = first;
  let state = null;
  const bins = () => feature.baseline.bins;
  const z = h("span", { class: "z" });
  const figure = h("div", { class: "block shares" });
  const ends = h("p", { class: "ends", "aria-hidden": "true" });
  const means = h("p", { class: "means" });
  const course = h("div", { class: "block course" });
  const numbers = dataTable(`${first.name}, share of requests per bin`, () =>
    table(first.name, ["Bin", "Baseline", "Live"], bins().map((bin, i) => [bin.label, share(bin.share), share(feature.live?.share?.[i])])));
  const card = h("article", { class: "feature", id, tabindex: "-1", "aria-labelledby": `${id}-name` },
    h("header", {}, h("h3", { id: `${id}-name`, title: first.name }, first.name, first.unit ? h("span", { class: "unit" }, ` ${first.unit}`) : null), z),
    first.description ? h("p", { class: "muted small about" }, first.description) : null, figure, ends, means, course, numbers);

  const shares = chart(figure, {
    label: `Distribution of ${first.name}`, title: (d, i) => bins()[i]?.label ?? "",
    legend: [
      { label: "baseline", swatch: "baseline", read: (d, i) => share(d[1][i]) },
      { label: "live", swatch: "bars", read: (d, i) => share(d[2][i]) },
    ],
    options: (colour) => ({
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      padding: [4, 2, 0, 2],
      scales: { x: { time: false, range: () => [-0.5, bins().length - 0.5] }, y: { range: (u, low, high) => [0, Math.max(high ?? 0, 0.01) * 1.05] } },
      axes: [{ show: false }, { show: false }],
      hooks: { draw: [verticalAt(() => placeOf(mark, bins()), colour("alarm"))] },
      series: [{},
        { fill: colour("baseline"), stroke: colour("baseline-edge"), width: 1, paths: uPlot.paths.bars({ size: [0.94, Infinity, 2], radius: 0.06 }), points: { show: false } },
        { fill: colour("bars"), stroke: colour("bars"), width: 0, paths: uPlot.paths.bars({ size: [0.46, Infinity, 2], radius: 0.06 }), points: { show: false } }],
    }),
  });
  const line = chart(course, {
    label: `Average of ${first.name} over time`, title: (d, i) => among(d[0], d[0][i]), utc: true, last: newest,
    legend: [{ label: "average", swatch: "live", read: (d, i) => (d[1][i] === null ? "–" : number(d[1][i])) }],
    options: (colour) => ({
      ...overTime(colour, { axis: false, hooks: { draw: [horizontal(() => feature.baseline.mean, colour("muted"), [3, 3])] }, range: courseRange(() => feature) }),
      padding: [3, 2, 3, 2],
      axes: [{ show: false }, { show: false }],
      series: [{}, { stroke: colour("live"), width: 1.5, points: lonely }],
    }),
  });

  card.update = (next, nextState, now) => {
    feature = next;
    state = nextState;
    const off = now !== undefined || Math.abs(feature.live?.z ?? 0) > state.threshold;
    card.classList.toggle("off", off);
    setText(z, now === undefined ? deviations(feature.live?.z) : `now ${deviations(now)}`);
    setText(means, compare(feature));
    showEnds(ends, bins());
    shares.update([bins().map((_, i) => i), bins().map((bin) => bin.share), bins().map((_, i) => feature.live?.share?.[i] ?? null)],
      `live mean ${number(feature.live?.mean)}, baseline mean ${number(feature.baseline.mean)}`);
    // Categories have no average.
    course.hidden = !Number.isFinite(feature.baseline.mean);
    const skip = leading(state.series);
    line.update([state.series.times.slice(skip), feature.series?.average?.slice(skip) ?? []], `baseline mean ${number(feature.baseline.mean)}`);
    numbers.refresh();
  };
  return card;
}

/** Where a value lies among the bins, in bins from the first one's middle on; null for no value. */
function placeOf(value, bins) {
  if (value === null) return null;
  const place = bins.findIndex((bin) => bin.high === null || value < bin.high);
  const { low, high } = bins[place] ?? {};
  return typeof low === "number" && typeof high === "number" ? place - 0.5 + (value - low) / (high - low) : place;
}

function compare({ live, baseline, unit }) {
  const usual = Number.isFinite(baseline.mean) ? ` · baseline ${quantity(baseline.mean, live?.count ? "" : unit)} ± ${number(baseline.std)}` : "";
  if (!live?.count) return `No live values yet${usual}`;
  return `${Number.isFinite(live.mean) ? `Live ${quantity(live.mean, unit)}` : `${number(live.count)} live values`}${usual}`;
}

/** The course always shows two sd around the baseline's mean, so that noise looks like noise. */
function courseRange(feature) {
  return (u, low, high) => {
    const { mean, std } = feature().baseline;
    if (!Number.isFinite(mean)) return [low ?? 0, high ?? 1];
    return [Math.min(low ?? mean, mean - 2 * (std || 1)), Math.max(high ?? mean, mean + 2 * (std || 1))];
  };
}

function showEnds(node, bins) {
  const edge = (value, label) => (typeof value === "number" ? compact(value) : label);
  const few = bins.length <= FEW && bins.every((bin) => bin.label.length < 9);
  const middle = bins[Math.floor(bins.length / 2)];
  const words = few ? bins.map((bin) => bin.label)
    : bins.length ? [edge(bins[0].low, bins[0].label), edge(middle.low, middle.label), edge(bins.at(-1).high, bins.at(-1).label)] : [];
  node.classList.toggle("few", few);
  if (node.childElementCount !== words.length) node.replaceChildren(...words.map(() => h("span", {})));
  words.forEach((word, i) => setText(node.children[i], word));
}
