// Each feature: how far it is from its baseline (z), its live distribution over the baseline's, and its course.

import { dataTable, h, heading, reconcile, setText, table } from "../dom.js";
import { deviations, fixed, number, plural, quantity, share } from "../format.js";
import { distribution } from "./distribution.js";

const MANY = 12;
const LINEAR = 1; // up to one sd the scale is linear, beyond it logarithmic (asinh), so that 2 and 20 both show
const stretch = (z) => Math.asinh(z / LINEAR);

export function featuresPanel(root) {
  let all = false;
  let state = null;
  const scale = h("div", { class: "zscale", "aria-hidden": "true" });
  const rows = h("ul", { class: "zrows" });
  const cards = h("div", { class: "cards" });
  const more = h("button", { type: "button", class: "quiet", hidden: true, onclick: () => { all = !all; update(state); } });
  const window = h("span", { class: "aside" });
  const numbers = dataTable("features against their baseline", () =>
    table("Features", ["Feature", "z of the mean", "mean |z|", "Live mean", "Baseline mean", "Baseline sd", "Requests"],
      state.features.map((f) => [f.name, deviations(f.live?.z), fixed(f.live?.mean_abs_z), quantity(f.live?.mean, f.unit),
        quantity(f.baseline.mean, f.unit), number(f.baseline.std), number(f.live?.count ?? 0)])));
  root.append(heading("features", "Features against their baseline", window),
    h("div", { class: "split" },
      h("div", { class: "zpanel" }, h("h3", {}, "z by feature"), h("div", { class: "zbox" }, scale, rows),
        h("p", { class: "muted small" }, "Bar: live mean, in standard deviations (sd) from the baseline's mean. Dot: mean |z| of single requests. Dashed: threshold."), numbers),
      h("div", {}, cards, more)));

  function update(next) {
    state = next;
    const { features, threshold } = state;
    const away = (f) => Math.max(Math.abs(f.live?.z ?? 0), f.live?.mean_abs_z ?? 0);
    const order = features.length > MANY ? [...features].sort((a, b) => away(b) - away(a)) : features;
    const shown = all ? order : order.slice(0, MANY);
    const reach = Math.max(threshold * 1.5, ...features.map(away)) * 1.05;
    const place = (z) => 0.5 + stretch(z) / stretch(reach) / 2;
    setText(window, plural(features[0]?.live?.count ?? 0, "request"));
    drawScale(scale, reach, threshold, place);
    reconcile(rows, shown, (f) => f.name, createRow, (node, f) => updateRow(node, f, threshold, place));
    reconcile(cards, shown, (f) => f.name, distribution, (node, f) => node.update(f, state));
    more.hidden = features.length <= MANY;
    setText(more, all ? `Show the ${MANY} furthest from their baseline` : `Show all ${features.length} features`);
    numbers.refresh();
  }
  return update;
}

function drawScale(scale, reach, threshold, place) {
  const marks = [0.5, 1, 2, 5, 10, 20, 50, 100, 1000].filter((z) => z !== threshold && z < reach * 0.9 && Math.abs(place(z) - place(threshold)) > 0.06 && place(z) > 0.58);
  const kept = marks.filter((z, i) => i === marks.length - 1 || place(marks[i + 1]) - place(z) > 0.08);
  const ticks = [0, ...kept, threshold, ...kept.map((z) => -z), -threshold];
  reconcile(scale, ticks, (z) => z, (z) => h("span", { class: Math.abs(z) === threshold ? "tick limit" : "tick" }, h("i", {}, z === 0 ? "0" : `${z > 0 ? "+" : "−"}${number(Math.abs(z))}`)),
    (node, z) => node.style.setProperty("--at", place(z)));
}

function createRow(feature) {
  return h("li", { class: "zrow" },
    h("a", { class: "name", href: `#feature-${feature.name}`, title: feature.description ?? "" }, feature.name),
    h("span", { class: "track", "aria-hidden": "true" }, h("span", { class: "zbar" }), h("span", { class: "zdot" })),
    h("span", { class: "z" }), h("span", { class: "unseen" }));
}

function updateRow(node, feature, threshold, place) {
  const z = feature.live?.z ?? null;
  const from = place(0);
  const to = z === null ? from : place(z);
  const style = node.querySelector(".track").style;
  style.setProperty("--from", Math.min(from, to));
  style.setProperty("--size", Math.abs(to - from));
  style.setProperty("--dot", place((z < 0 ? -1 : 1) * (feature.live?.mean_abs_z ?? 0)));
  node.classList.toggle("off", Math.abs(z ?? 0) > threshold);
  setText(node.querySelector(".z"), deviations(z));
  setText(node.querySelector(".unseen"), `mean absolute z ${fixed(feature.live?.mean_abs_z)}`);
}
