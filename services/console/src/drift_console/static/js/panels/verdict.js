// The top of the page: one sentence, the drifted features by name, and the figures that matter.

import { h, reconcile, setText, whenChanged } from "../dom.js";
import { deviations, duration, fixed, number, plural, share } from "../format.js";
import { verdict } from "../verdict.js";
import { newest } from "../charts.js";

const FIGURES = [
  ["predictions", "Predictions"], ["score", "Drift score now"], ["drifted", "Drifted"], ["errors", "Errors"], ["rejected", "Rejected"],
  ["lost", "Events lost"], ["lag", "Evaluated until"],
];

export function verdictPanel(root) {
  const headline = h("p", { class: "headline" }, "Waiting for the first state…");
  const detail = h("p", { class: "detail" });
  const chips = h("ul", { class: "chips", "aria-label": "Drifted features" });
  const values = Object.fromEntries(FIGURES.map(([name]) => [name, h("span", { class: "big" })]));
  const notes = Object.fromEntries(FIGURES.map(([name]) => [name, h("span", { class: "note" })]));
  const gauge = h("span", { class: "gauge", "aria-hidden": "true" }, h("span", { class: "fill" }), h("span", { class: "limit" }));
  root.append(
    h("div", { class: "say" }, h("span", { class: "sign", "aria-hidden": "true" }),
      h("div", {}, h("div", { role: "status" }, headline), detail, chips)),
    h("dl", { class: "figures" }, ...FIGURES.map(([name, label]) =>
      h("div", {}, h("dt", {}, label), h("dd", {}, values[name], notes[name], name === "score" ? gauge : null)))),
  );

  const say = whenChanged(({ level, headline: text, detail: why, drifted }) => {
    root.dataset.level = level;
    setText(headline, text);
    setText(detail, why);
    chips.hidden = !drifted.length;
    reconcile(chips, drifted.slice(0, 8), (f) => f.name,
      (f) => h("li", {}, h("a", { href: f.place ?? `#feature-${f.name}` }, f.name, h("b", {}))),
      (node, f) => setText(node.querySelector("b"), deviations(f.z)));
    setText(document.querySelector("title"), level === "quiet" ? "All quiet · Drift Monitor" : `${text} · Drift Monitor`);
    document.getElementById("icon").href = `static/icons/${level}.svg`;
  });

  return (state) => {
    const { totals } = state;
    const averages = state.series.drift_score.average;
    const index = newest([[], averages]);
    const score = index === null ? null : averages[index];
    say(verdict(state));
    setText(values.predictions, number(totals.predictions));
    setText(values.drifted, number(totals.drifted));
    setText(notes.drifted, totals.predictions ? share(totals.drifted / totals.predictions) : "");
    setText(values.score, score === null ? "–" : fixed(score));
    setText(notes.score, `of ${number(state.threshold)}`);
    setText(values.errors, number(totals.errors));
    setText(values.rejected, number(totals.rejected));
    setText(values.lost, number(state.service?.lines_lost));
    setText(notes.lost, state.service?.lines_lost ? "not written, not judged" : "");
    const lag = state.service?.lag_seconds ?? null;
    setText(values.lag, lag === null ? "–" : lag < 5 ? "now" : duration(lag));
    setText(notes.lag, lag === null || lag < 5 ? "" : "ago");
    gauge.style.setProperty("--part", Math.min((score ?? 0) / (state.threshold * 1.5), 1));
    gauge.classList.toggle("over", score !== null && score > state.threshold);
    root.querySelector(".figures").setAttribute("aria-label", plural(totals.predictions, "prediction"));
  };
}
