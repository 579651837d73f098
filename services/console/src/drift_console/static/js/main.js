// Wires the page: one connection, one state, many panels.

import { Connection } from "./connection.js";
import { h, reconcile, setText, whenChanged } from "./dom.js";
import { clock, utc } from "./format.js";
import { forgetAll, redrawAll } from "./charts.js";
import { startTheme } from "./theme.js";
import { verdictPanel } from "./panels/verdict.js";
import { timelinePanel } from "./panels/timeline.js";
import { featuresPanel } from "./panels/features.js";
import { alarmsPanel, historyPanel } from "./panels/alarms.js";
import { recentPanel } from "./panels/recent.js";
import { emptyPanel, scenariosPanel } from "./panels/scenarios.js";
import { cardPanel } from "./panels/card.js";
import { evidencePanel } from "./panels/evidence.js";
import { answersPanel } from "./panels/answers.js";
import { playedPanel } from "./panels/played.js";

const PANELS = {
  played: playedPanel, empty: emptyPanel, verdict: verdictPanel, scenarios: scenariosPanel, timeline: timelinePanel, alarms: alarmsPanel,
  answers: answersPanel, evidence: evidencePanel, features: featuresPanel, recent: recentPanel, history: historyPanel, card: cardPanel,
};
const STATUS = { connecting: "Connecting", live: "Live", polling: "Polling, reconnecting", lost: "Connection lost, retrying" };

const get = (id) => document.getElementById(id);
let updates = {};
let current = null; // the state on show
const asked = new URLSearchParams(location.search);
let wanted = asked.get("model");

function build() {
  forgetAll();
  updates = Object.fromEntries(Object.entries(PANELS).map(([id, panel]) => {
    get(id).replaceChildren();
    return [id, panel(get(id))];
  }));
}

const showModels = whenChanged(({ models, model }) => {
  const select = get("model");
  select.disabled = false;
  reconcile(select, models, (name) => name, (name) => h("option", { value: name }, name));
  select.value = model;
});

const showCard = whenChanged((state) => updates.card(state));

function show(state) {
  if (wanted !== null && state.model !== wanted) return; // a late word from the model before
  if (current?.model !== state.model) build();
  current = state;
  showModels({ models: state.models, model: state.model });
  for (const [id, update] of Object.entries(updates)) if (id !== "card") update(state);
  showCard({ model: state.model, model_card: state.model_card });
  get("stack").hidden = false;
  setText(get("stack"), state.fast ? `${state.stack}, fast` : state.stack);
  get("stack").title = state.fast ? "Alarm periods are shortened" : "";
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  setText(get("clock"), `State of ${clock(state.now, null, true)}. Times are local (${zone}); hover over one for UTC.`);
  get("clock").title = utc(state.now);
  get("main").setAttribute("aria-busy", "false");
}

const showStatus = whenChanged(({ status, detail }) => {
  const node = get("connection");
  node.dataset.status = status;
  setText(node.querySelector(".text"), STATUS[status]);
  node.title = detail ?? "";
  document.body.classList.toggle("stale", status === "lost" && current !== null);
});

const connection = new Connection(show, (status, detail) => showStatus({ status, detail }));
const minutes = get("minutes");
if ([...minutes.options].some((option) => option.value === asked.get("minutes"))) minutes.value = asked.get("minutes");
function follow() {
  const query = { model: wanted, minutes: minutes.value };
  connection.follow(query);
  return query;
}
for (const select of [get("model"), minutes]) {
  select.addEventListener("change", () => {
    wanted = get("model").value;
    history.replaceState(null, "", `?${new URLSearchParams(follow())}`);
  });
}
startTheme(get("theme"), redrawAll);
follow();
