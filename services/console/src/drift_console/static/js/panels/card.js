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
        pair("Data sha256", h("code", { class: "digest" }, training.data_sha256 ?? "–")), ...provenPairs(card)),
      h("div", { class: "scored" }, scoreTable(scores), ...(card.class_scores ? [classTable(card.class_scores)] : []),
        ...(card.importances ? [importanceTable(card.importances)] : [])));
  });
}

/** What training warned of, as one element or none. Bundles from before there were warnings have no list. */
function warningList(warnings) {
  if (!Array.isArray(warnings) || !warnings.length) return [];
  const items = warnings.map((warning) => h("li", {}, String(warning.words)));
  const title = h("h3", { id: "card-warnings" }, `${plural(warnings.length, "warning")} about the model and its training data`);
  return [h("section", { class: "warnings", "aria-labelledby": "card-warnings" }, title, h("ul", {}, ...items))];
}

/** How well each class is told from the others. */
function classTable(scores) {
  const rows = Object.entries(scores).map(([name, s]) => [name, number(s.precision), number(s.recall), number(s.f1), number(s.support)]);
  const box = scroller("Scores by class", table("Scores by class", ["Class", "Precision", "Recall", "F1", "Rows"], rows));
  box.classList.add("tall");
  return box;
}

/** Which features the model needs: what shuffling the values of one adds to the error. */
function importanceTable(importances) {
  const rows = Object.entries(importances).map(([name, s]) => [name, number(s.value), `${number(s.low)} to ${number(s.high)}`]);
  const box = scroller("Importances", table("Importances: error added by shuffling", ["Importance of", "Error added", "Interval"], rows));
  box.classList.add("tall");
  return box;
}

/** How the packed model agrees with the library's, and which rows were held out, where that is recorded. */
function provenPairs({ exactness, held_out: held }) {
  const pairs = [];
  if (exactness) {
    const { grade } = exactness;
    // Nothing was compared, so that there is no distance, and no row that it was found on.
    if (grade === "unproven") pairs.push(pair("Exactness", "unproven: compared with nothing, its answers may differ from the library's"));
    else if (grade === "onnx") pairs.push(pair("Exactness", onnxWords(exactness)));
    else pairs.push(...measuredPairs(exactness));
  }
  if (held) {
    const span = held.from && held.to ? `, ${held.from} to ${held.to}` : "";
    pairs.push(pair("Held out", held.by === "time" ? `the latest rows${span}` : held.by === "random" ? "at random" : "by whoever exported it"));
  }
  return pairs;
}

/** What is known of the answers of ONNX Runtime. */
function onnxWords({ rows, largest_difference: difference, reference }) {
  if (difference === null) return "onnx: compared with nothing, how far its answers differ is unproven";
  return `onnx: at most ${number(difference)} from ${reference.call} over ${plural(rows, "row")}, no more is promised`;
}

/** The distance from the library that trained the model, and which call of it that is. */
function measuredPairs({ grade, rows, hard_rows: hard, worst_ulp: ulp, bound_share: share, reference }) {
  const bound = share === undefined ? "" : `, ${number(100 * share)} % of what the library's own rounding may differ by,`;
  const distance = ulp === null ? "not measured" : `at most ${number(ulp)} ulp`;
  return [pair("Exactness", `${grade}: ${distance}${bound} over ${plural(rows, "row")} and ${number(hard)} hard ones`),
    pair("Compared with", h("code", {}, reference.call), ` of ${reference.library} ${reference.version}`)];
}

function scoreTable(scores) {
  const rows = Object.entries(scores).map(([name, s]) => [name.toUpperCase().replaceAll("_", " "), number(s.value), `${number(s.low)} to ${number(s.high)}`]);
  return rows.length ? scroller("Scores on held-out rows", table("Scores on held-out rows", ["Score", "Value", "Interval"], rows))
    : h("p", { class: "muted" }, "No scores recorded.");
}
