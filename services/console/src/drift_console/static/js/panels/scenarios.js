// Buttons that send the scenarios, and a curl line when nothing has come yet.

import { h, heading, reconcile, setText } from "../dom.js";
import { fixed, plural } from "../format.js";
import { problem } from "../connection.js";

export function scenariosPanel(root) {
  let model = null;
  const list = h("div", { class: "buttons" });
  const answer = h("p", { class: "answer muted", role: "status" }, "Real requests, sent through the API. An alarm needs some minutes of them; with --fast, seconds.");
  root.append(heading("scenarios", "Try a scenario"), list, answer);

  async function send(button, scenario) {
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    setText(answer, `Sending ${plural(scenario.requests, "request")}…`);
    delete answer.dataset.severity;
    try {
      const url = `console/api/scenarios/${encodeURIComponent(scenario.name)}?model=${encodeURIComponent(model)}`;
      const response = await fetch(url, { method: "POST" });
      if (!response.ok) throw new Error(await problem(response));
      const result = await response.json();
      answer.dataset.severity = result.severity;
      setText(answer, `${scenario.title}: sent ${plural(result.sent, "request")}, average drift score ${fixed(result.average_drift_score)} (${result.severity})${answered(result.labels)}.`);
    } catch (error) {
      answer.dataset.severity = "high";
      setText(answer, `${scenario.title}: not sent, ${error instanceof TypeError ? "the server does not answer" : error.message}.`);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }

  return (state) => {
    model = state.model;
    root.hidden = !state.scenarios.length;
    reconcile(list, state.scenarios, (s) => `${state.model} ${s.name}`, (s) => {
      const button = h("button", { type: "button", "data-scenario": s.name, title: `Scenario ${s.name}` }, h("span", { class: "title" }, s.title), h("span", { class: "small" }, plural(s.requests, "request")));
      button.addEventListener("click", () => send(button, s));
      return button;
    });
  };
}

/** How often each class was answered, of a classifier. */
function answered(labels) {
  return labels ? `; answered ${Object.entries(labels).map(([name, count]) => `${name} ${count}`).join(", ")}` : "";
}

/** A value that is ordinary for the feature, as a caller would send it. */
function ordinary(feature) {
  const { mean, bins } = feature.baseline;
  if (feature.type === "category") return bins[0]?.label ?? "";
  if (feature.type === "boolean") return mean >= 0.5;
  if (!Number.isFinite(mean)) return 0;
  return feature.type === "integer" ? Math.round(mean) : Number(mean.toPrecision(3));
}

export function emptyPanel(root) {
  const code = h("code", {});
  const copy = h("button", { type: "button", class: "quiet", onclick: async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      setText(copy, "Copied");
    } catch {
      getSelection().selectAllChildren(code);
      setText(copy, "Selected");
    }
    setTimeout(() => setText(copy, "Copy"), 2000);
  } }, "Copy");
  root.append(heading("empty", "Send the first prediction", copy), h("pre", { tabindex: "0", "aria-label": "Command to paste" }, code),
    h("p", { class: "muted" }, "Or press a scenario. What is sent appears here within a second."));
  return (state) => {
    root.hidden = state.totals.predictions > 0 || state.recent.length > 0;
    const path = state.models.length > 1 ? `/models/${encodeURIComponent(state.model)}/predict` : "/predict";
    const body = JSON.stringify({ features: Object.fromEntries(state.features.map((f) => [f.name, ordinary(f)])) }).replaceAll("'", "'\\''");
    setText(code, `curl -s ${location.origin}${path} -H 'content-type: application/json' -d '${body}'`);
  };
}
