// Effect sizes per feature over the window shown, and the window's distribution drawn over the baseline's.

import { chart, uPlot } from "../charts.js";
import { dataTable, h, reconcile, setText, table } from "../dom.js";
import { fixed, number, share, signed } from "../format.js";

const LEVELS = { none: "as before", small: "small", moderate: "moderate", large: "large" };
const interval = (shift) => (shift ? `${signed2(shift.value)} standard deviations (${signed2(shift.low)} to ${signed2(shift.high)})` : "–");
const signed2 = (value) => (Math.abs(value) < 10 ? `${value < 0 ? "−" : "+"}${fixed(Math.abs(value))}` : signed(value));
const chance = (p) => (p < 0.0001 ? "< 0.0001" : number(p));

/** {node, update(evidence)} */
export function effectsPart() {
  let shown = [];
  const words = h("p", { class: "muted small" });
  const list = h("div", { class: "effects" });
  const numbers = dataTable("effect sizes by feature", () => table("Largest effect first",
    ["Feature", "Effect", "PSI", "KS", "Wasserstein", "Shift of the mean", "p, adjusted"],
    shown.map((one) => [one.feature, LEVELS[one.level] ?? "–", fixed(one.psi, 3), fixed(one.ks, 3), fixed(one.wasserstein, 3), interval(one.mean_shift), chance(one.p_adjusted)])));
  const node = h("div", { class: "effect-part" }, h("h3", { class: "later" }, "Effect sizes over the window shown"), words, list, numbers);
  return {
    node,
    update(evidence) {
      shown = evidence.effects ?? [];
      node.hidden = !shown.length;
      if (!shown.length) return;
      setText(words, `In all: ${evidence.window.words}. Bars are the baseline's frozen bins, put together where there are many: grey as in training, blue as now.`);
      reconcile(list, shown, (one) => one.feature, effectCard, (card, one) => card.update(one));
      numbers.refresh();
    },
  };
}

function effectCard(first) {
  let one = first;
  const level = h("span", { class: "severity" });
  const figure = h("div", { class: "block shares" });
  const facts = h("p", { class: "small" });
  const said = h("p", { class: "muted small" });
  const card = h("article", { class: "feature", "aria-label": `Effect on ${first.feature}` },
    h("header", {}, h("h4", {}, first.feature), level), figure, facts, said);
  const shares = chart(figure, {
    label: `Baseline and window of ${first.feature}`, title: (d, i) => one.labels[i] ?? "",
    legend: [
      { label: "baseline", swatch: "baseline", read: (d, i) => share(d[1][i]) },
      { label: "window", swatch: "bars", read: (d, i) => share(d[2][i]) },
    ],
    options: (colour) => ({
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      padding: [4, 2, 0, 2],
      scales: { x: { time: false, range: () => [-0.5, one.labels.length - 0.5] }, y: { range: (u, low, high) => [0, Math.max(high ?? 0, 0.01) * 1.05] } },
      axes: [{ show: false }, { show: false }],
      series: [{},
        { fill: colour("baseline"), stroke: colour("baseline-edge"), width: 1, paths: uPlot.paths.bars({ size: [0.94, Infinity, 1] }), points: { show: false } },
        { fill: colour("bars"), stroke: colour("bars"), width: 0, paths: uPlot.paths.bars({ size: [0.46, Infinity, 1] }), points: { show: false } }],
    }),
  });
  card.update = (next) => {
    one = next;
    level.dataset.severity = { none: "normal", small: "moderate", moderate: "moderate", large: "high" }[one.level];
    setText(level, LEVELS[one.level]);
    setText(facts, `Mean ${interval(one.mean_shift)} · PSI ${fixed(one.psi, 3)} · KS ${fixed(one.ks, 3)} · p ${chance(one.p_adjusted)}`);
    setText(said, one.words);
    shares.update([one.labels.map((_, i) => i), one.baseline, one.window], one.words);
  };
  return card;
}
