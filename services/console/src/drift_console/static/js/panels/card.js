// The model card: what is in service, what it was trained on, how well it did.

import { h, heading, scroller, table, whenChanged } from "../dom.js";
import { number, plural } from "../format.js";

const pair = (name, ...value) => h("div", {}, h("dt", {}, name), h("dd", {}, ...value));

export function cardPanel(root) {
  const body = h("div", { class: "card" });
  root.append(heading("card", "Model card"), body);
  return whenChanged((state) => {
    const card = state.model_card;
    if (!card) {
      body.replaceChildren(h("p", { class: "muted" }, "The server gave no model card."));
      return;
    }
    const { estimator = {}, training = {}, scores = {} } = card;
    const parameters = Object.entries(estimator.parameters ?? {});
    const libraries = Object.entries(training.libraries ?? {});
    body.replaceChildren(
      h("dl", {}, pair("Model", state.model), pair("Version", h("code", {}, card.model_version)), pair("Feature set", String(card.feature_set ?? "–")),
        pair("Estimator", estimator.kind ?? "–"), pair("Parameters", h("code", {}, parameters.map(([k, v]) => `${k}=${v}`).join(", ") || "–"))),
      h("dl", {}, pair("Trained on", training.source ?? "–"), pair("Rows", `${plural(training.rows, "row")}, ${number(training.held_out_rows)} held out`),
        pair("Seed", String(training.seed ?? "–")), pair("Libraries", libraries.map(([k, v]) => `${k} ${v}`).join(", ") || "–"),
        pair("Data sha256", h("code", { class: "digest" }, training.data_sha256 ?? "–"))),
      scoreTable(scores));
  });
}

function scoreTable(scores) {
  const rows = Object.entries(scores).map(([name, s]) => [name.toUpperCase(), number(s.value), `${number(s.low)} to ${number(s.high)}`]);
  return rows.length ? scroller("Scores on held-out rows", table("Scores on held-out rows", ["Score", "Value", "Interval"], rows))
    : h("p", { class: "muted" }, "No scores recorded.");
}
