// The newest predictions, row by row.

import { h, heading, reconcile, scroller } from "../dom.js";
import { fixed, number, plural, quantity, share, timeNode } from "../format.js";

const MOST_COLUMNS = 8;
const MOST_ROWS = 50;

export function recentPanel(root) {
  let columns = null;
  const head = h("thead", {});
  const body = h("tbody", {});
  const none = h("p", { class: "muted" }, "No predictions yet.");
  const shown = h("span", { class: "aside" }, "");
  const box = scroller("Table: recent predictions", h("table", { class: "recent" }, h("caption", { class: "unseen" }, "Recent predictions, newest first"), head, body));
  box.classList.add("tall");
  root.append(heading("recent", "Recent predictions", shown), none, box);

  return (state) => {
    const features = state.features.slice(0, MOST_COLUMNS);
    const names = features.map((f) => f.name).join("\n");
    if (names !== columns) {
      columns = names;
      body.replaceChildren();
      head.replaceChildren(h("tr", {}, ...["Time", "Prediction", "Score", "Severity", "Drifted"].map((name) => h("th", { scope: "col" }, name)),
        ...features.map((f) => h("th", { scope: "col", class: "number", title: `${f.name}${f.unit ? `, ${f.unit}` : ""}` }, f.name))));
    }
    const rows = [...state.recent].sort((a, b) => Date.parse(b.timestamp) - Date.parse(a.timestamp)).slice(0, MOST_ROWS);
    none.hidden = rows.length > 0;
    box.hidden = !rows.length;
    shown.textContent = rows.length ? `newest ${plural(rows.length, "row")}` : "";
    reconcile(body, rows, (row) => row.prediction_id, (row) => create(row, features, state));
  };
}

/** What was answered: a quantity, or of a classifier the label and how probable it was. */
function answer(row, state) {
  if (row.label === undefined) return h("td", { class: "number" }, quantity(row.prediction, state.target?.unit));
  const probable = Object.entries(row.probabilities ?? {}).sort((a, b) => b[1] - a[1]);
  const title = probable.map(([name, p]) => `${name} ${share(p)}`).join(", ");
  return h("td", { class: "label", title }, row.label, h("span", { class: "note" }, share(row.probabilities?.[row.label])));
}

function create(row, features, state) {
  const off = new Set(row.drifted);
  return h("tr", { title: `Prediction ${row.prediction_id}` },
    h("th", { scope: "row" }, timeNode(row.timestamp, state.now)),
    answer(row, state),
    h("td", { class: "number" }, fixed(row.drift_score)),
    h("td", {}, h("span", { class: "severity", "data-severity": row.severity }, row.severity)),
    h("td", { class: "names" }, row.drifted.length ? row.drifted.join(", ") : h("span", { class: "muted" }, "none")),
    ...features.map((f) => {
      const value = row.features[f.name];
      return h("td", { class: `number${off.has(f.name) ? " off" : ""}` }, typeof value === "number" ? number(value) : String(value ?? "–"));
    }));
}
