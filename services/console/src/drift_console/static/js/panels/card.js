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
      body.replaceChildren(h("p", { class: "muted" }, "The server returned no model card."));
      return;
    }
    const { estimator = {}, training = {}, scores = {} } = card;
    const parameters = Object.entries(estimator.parameters ?? {});
    const libraries = Object.entries(training.libraries ?? {});
    body.replaceChildren(...warningList(card.warnings),
      h("dl", {}, pair("Model", state.model), pair("Version", h("code", {}, card.model_version)), pair("Feature set", String(card.feature_set ?? "–")),
        pair("Estimator", estimator.kind ?? "–"), pair("Parameters", h("code", {}, parameters.map(([k, v]) => `${k}=${v}`).join(", ") || "–"))),
      h("dl", {}, pair("Trained on", training.source ?? "–"), pair("Rows", `${plural(training.rows, "row")}, ${number(training.held_out_rows)} held out`),
        pair("Seed", String(training.seed ?? "–")), pair("Libraries", libraries.map(([k, v]) => `${k} ${v}`).join(", ") || "–"),
        pair("Data sha256", h("code", { class: "digest" }, training.data_sha256 ?? "–"))),
      scoreTable(scores));
  });
}

/** What training warned of, as one element or none. Bundles from before there were warnings have no list. */
function warningList(warnings) {
  if (!Array.isArray(warnings) || !warnings.length) return [];
  const items = warnings.map((warning) => h("li", {}, String(warning.words)));
  const title = h("h3", { id: "card-warnings" }, `${plural(warnings.length, "warning")} about the training data`);
  return [h("section", { class: "warnings", "aria-labelledby": "card-warnings" }, title, h("ul", {}, ...items))];
}

function scoreTable(scores) {
  const rows = Object.entries(scores).map(([name, s]) => [name.toUpperCase(), number(s.value), `${number(s.low)} to ${number(s.high)}`]);
  return rows.length ? scroller("Scores on held-out rows", table("Scores on held-out rows", ["Score", "Value", "Interval"], rows))
    : h("p", { class: "muted" }, "No scores recorded.");
}
