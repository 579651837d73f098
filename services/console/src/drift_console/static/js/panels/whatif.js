// A form that asks what the detector would have said with other settings, and keeps the answer to be drawn.

import { h, setText } from "../dom.js";
import { among, fixed, number, plural } from "../format.js";
import { problem } from "../connection.js";

/** {node, follow(state), at(times)}: `at` gives the replayed evidence at these times; changed() is called with news. */
export function whatIfForm(changed) {
  let answer = null;
  let query = {};
  const field = (name, label, attributes) => h("label", {}, h("span", {}, label), h("input", { name, type: "number", inputmode: "decimal", required: true, ...attributes }));
  const words = (name, label, placeholder) => h("label", {}, h("span", {}, label), h("input", { name, type: "text", placeholder, autocomplete: "off", spellcheck: false }));
  const unit = h("label", {}, h("span", {}, "of"), h("select", { name: "per" },
    h("option", { value: "budget" }, "events"), h("option", { value: "false_alarm_days" }, "days, all models together")));
  const button = h("button", { type: "submit" }, "Replay");
  const clear = h("button", { type: "button", class: "quiet", hidden: true, onclick: () => { forget(); setText(said, HINT); changed(); } }, "Clear");
  const said = h("p", { class: "small muted said", role: "status" }, HINT);
  const form = h("form", { class: "whatif", "aria-label": "Replay with other settings" },
    field("budget", "One false alarm per", { min: 1, max: 1e12, step: "any", value: 10_000 }), unit,
    field("minimum_effect", "Smallest effect, in standard deviations", { min: 0, max: 10, step: "any", value: 0.1 }),
    words("minimum_effects", "The same for single features", "age=0.5, sqft=1"), words("muted_features", "Muted features, until a day", "age=2026-12-01, sqft"),
    field("psi_alarm", "Alarm of PSI, 0 for none", { min: 0, max: 10, step: "any", value: 0 }), button, clear);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { per, budget, ...settings } = Object.fromEntries(new FormData(form));
    ask({ ...settings, [per]: budget });
  });

  function forget() {
    answer = null;
    clear.hidden = true;
  }

  async function ask(settings) {
    const asked = { ...query };
    setText(said, "Replaying the stored windows…");
    try {
      const response = await fetch(`console/api/replay?${new URLSearchParams({ ...asked, ...settings })}`, { cache: "no-store" });
      if (!response.ok) throw new Error(await problem(response));
      const found = await response.json();
      if (asked.model !== query.model || asked.minutes !== query.minutes) return;
      answer = new Map(found.times.map((time, i) => [time, found.value[i]]));
      clear.hidden = false;
      setText(said, sentence(found));
    } catch (error) {
      forget();
      setText(said, `Not replayed: ${error instanceof TypeError ? "the server does not answer" : error.message}.`);
    }
    changed();
  }

  return {
    node: h("div", {}, h("h3", { class: "later" }, "What if the settings were different?"), form, said),
    follow(state) {
      const next = { model: state.model, minutes: String(Math.max(1, Math.round((state.series.bucket_seconds * state.series.times.length) / 60))) };
      if (next.model !== query.model || next.minutes !== query.minutes) {
        forget();
        setText(said, HINT);
      }
      query = next;
    },
    at: (times) => times.map((time) => answer?.get(time) ?? null),
  };
}

const HINT = "Replays the stored windows of the span shown, from a clean start, held against what the service holds traffic against now, and draws the evidence beside the real one.";

/** What a replay found, in a sentence. */
export function sentence(found) {
  const days = found.false_alarm_days ? `${plural(found.false_alarm_days, "day")} of all models, here ` : "";
  const settings = `one false alarm in ${days}${number(found.budget)} events, effects from ${number(found.minimum_effect)} standard deviations`;
  return [alarmsOf(found, settings), found.psi, found.held && `${found.held}.`].filter(Boolean).join(" ");
}

function alarmsOf(found, settings) {
  if (!found.windows) return `With ${settings}: nothing to replay in this span.`;
  const over = `${plural(found.windows, "window")} with ${plural(found.events, "event")}`;
  const heard = found.alarms.filter((alarm) => !alarm.muted);
  const silent = found.alarms.length - heard.length ? `, ${found.alarms.length - heard.length} muted` : "";
  if (!found.alarms.length) return `With ${settings}: no alarm in ${over}.`;
  if (!heard.length) return `With ${settings}: no alarm in ${over}${silent}.`;
  const told = heard.map((alarm) => `${alarm.words} at ${among(found.times, Date.parse(alarm.at) / 1000)}`);
  return `With ${settings}: ${plural(heard.length, "alarm")} in ${over}${silent}: ${told.join("; ")}.`;
}
