// Who has seen an alert and why it is left alone: what was kept, a form to keep it, a button to take it back.

import { h, setText } from "../dom.js";
import { timeNode } from "../format.js";
import { problem } from "../connection.js";

const NAME = "drift-acknowledger"; // the reader's own name, remembered in this browser

/** The part of an alert's entry that says who has seen it; `kept` is null where nobody has, `today` the day of the page. */
export function acknowledgement(alert, kept, today = null) {
  const said = h("span", { class: "small", role: "status" });
  const send = async (body) => {
    setText(said, "Saving…");
    try {
      const url = `console/api/alerts/${encodeURIComponent(alert.alert_id)}/acknowledgement?model=${encodeURIComponent(alert.model)}`;
      const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
      if (!response.ok) throw new Error(await problem(response));
      setText(said, "Saved.");
    } catch (error) {
      setText(said, `Not saved: ${error instanceof TypeError ? "the server does not answer" : error.message}.`);
    }
  };
  if (kept) {
    const undo = h("button", { type: "button", class: "quiet", onclick: () => send({ who: remembered() || kept.who, why: "taken back on the page", undo: true }) }, "Undo");
    return h("p", { class: "small acknowledged" }, `Acknowledged by ${kept.who}${kept.new_normal ? " as the new normal" : ""}, `, timeNode(kept.at, today), `: ${kept.why} `, undo, said);
  }
  const who = h("input", { name: "who", required: true, maxlength: 100, placeholder: "Your name", "aria-label": "Your name", value: remembered() });
  const why = h("input", { name: "why", required: true, maxlength: 500, placeholder: "Why it can be left", "aria-label": "Why it can be left" });
  const normal = h("input", { name: "new_normal", type: "checkbox" });
  const asNormal = h("label", { class: "small" }, normal, " take it as the new normal, which ends the alarm");
  asNormal.hidden = alert.alert_id.startsWith("training:"); // that is no alarm, so nothing ends
  const form = h("form", { class: "acknowledge" }, who, why, asNormal, h("button", { type: "submit" }, "Acknowledge"), said);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    remember(who.value);
    send({ who: who.value, why: why.value, new_normal: normal.checked });
  });
  return form;
}

function remembered() {
  try {
    return localStorage.getItem(NAME) ?? "";
  } catch {
    return ""; // storage may be forbidden
  }
}

function remember(name) {
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // then it is typed again
  }
}
