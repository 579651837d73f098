// Each feature: how far it is from its baseline (z), its live distribution over the baseline's, and its course.

import { dataTable, h, heading, reconcile, setText, table } from "../dom.js";
import { deviations, fixed, number, plural, quantity } from "../format.js";
import { drifting } from "../verdict.js";
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
  const search = h("input", { type: "search", class: "find", hidden: true, placeholder: "Find a feature", "aria-label": "Find a feature by its name", oninput: () => update(state) });
  const window = h("span", { class: "aside" });
  const numbers = dataTable("features against their baseline", () =>
    table("Features", ["Feature", "z of the mean", "mean |z|", "Live mean", "Baseline mean", "Baseline sd", "Requests"],
      state.features.map((f) => [f.name, deviations(f.live?.z), fixed(f.live?.mean_abs_z), quantity(f.live?.mean, f.unit),
        quantity(f.baseline.mean, f.unit), number(f.baseline.std), number(f.live?.count ?? 0)])));
  const zpanel = h("div", { class: "zpanel" }, h("h3", {}, "z by feature"), h("div", { class: "zbox" }, scale, rows),
    h("p", { class: "muted small" }, "In standard deviations (sd) from the baseline's mean. Bar: mean of the window. Ring: mean |z| of single requests. Diamond: now, while drifting. Dashed: threshold."), numbers);
  root.append(heading("features", "Features against their baseline", window), search,
    h("div", { class: "features" },
      zpanel, cards), more);

  function update(next) {
    state = next;
    const { features, threshold } = state;
    const now = new Map(drifting(state).map((f) => [f.name, f.z]));
    const away = (f) => Math.max(Math.abs(f.live?.z ?? 0), f.live?.mean_abs_z ?? 0, Math.abs(now.get(f.name) ?? 0));
    const order = features.length > MANY ? [...features].sort((a, b) => away(b) - away(a)) : features;
    const wanted = search.value.trim().toLowerCase();
    const matching = wanted ? order.filter((f) => f.name.toLowerCase().includes(wanted)) : order;
    const shown = all ? matching : matching.slice(0, MANY);
    const reach = Math.max(threshold * 1.5, ...features.map(away)) * 1.05;
    const place = (z) => 0.5 + stretch(z) / stretch(reach) / 2;
    setText(window, plural(features[0]?.live?.count ?? 0, "request"));
    drawScale(scale, reach, threshold, place);
    reconcile(rows, shown, (f) => f.name, createRow, (node, f) => updateRow(node, f, now.get(f.name), threshold, place));
    reconcile(cards, shown, (f) => f.name, distribution, (node, f) => node.update(f, state, now.get(f.name)));
    zpanel.classList.toggle("tall", shown.length > 8);
    search.hidden = features.length <= MANY;
    more.hidden = matching.length <= MANY;
    setText(more, all ? `Show the ${MANY} furthest from their baseline` : `Show all ${matching.length} features`);
    numbers.refresh();
  }
  return update;
}

function drawScale(scale, reach, threshold, place) {
  const apart = 34 / (scale.clientWidth || 200);
  const kept = [];
  for (const z of [100, 50, 20, 10, 5, 2, 1].filter((mark) => mark < reach)) {
    if ([0, threshold, ...kept].every((other) => Math.abs(place(other) - place(z)) > apart)) kept.push(z);
  }
  const ticks = [0, ...kept, threshold, ...kept.map((z) => -z), -threshold];
  reconcile(scale, ticks, (z) => z, (z) => h("span", { class: Math.abs(z) === threshold ? "tick limit" : "tick" }, h("i", {}, z === 0 ? "0" : `${z > 0 ? "+" : "−"}${number(Math.abs(z))}`)),
    (node, z) => node.style.setProperty("--at", place(z)));
}

function createRow(feature) {
  return h("li", { class: "zrow" },
    h("a", { class: "name", href: `#feature-${feature.name}`, title: feature.description ?? "" }, feature.name),
    h("span", { class: "track", "aria-hidden": "true" }, h("span", { class: "zbar" }), h("span", { class: "zdot" }), h("span", { class: "znow" })),
    h("span", { class: "z" }), h("span", { class: "unseen" }));
}

function updateRow(node, feature, now, threshold, place) {
  const z = feature.live?.z ?? null;
  const from = place(0);
  const to = z === null ? from : place(z);
  const style = node.querySelector(".track").style;
  style.setProperty("--from", Math.min(from, to));
  style.setProperty("--size", Math.abs(to - from));
  style.setProperty("--dot", place((z < -LINEAR ? -1 : 1) * (feature.live?.mean_abs_z ?? 0)));
  style.setProperty("--now", place(now ?? 0));
  node.querySelector(".zdot").hidden = z === null;
  node.querySelector(".znow").hidden = now === undefined;
  node.classList.toggle("off", now !== undefined || Math.abs(z ?? 0) > threshold);
  setText(node.querySelector(".z"), deviations(now ?? z));
  setText(node.querySelector(".unseen"), `${now === undefined ? "" : `now, ${deviations(z)} over the window, `}mean absolute z ${fixed(feature.live?.mean_abs_z)}`);
}
