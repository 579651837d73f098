// Sequential evidence of drift over time, what it points at, the alerts in words, and a replay with other settings.

import { chart, horizontal, lonely, moments, newest, overTime } from "../charts.js";
import { channelName } from "../channels.js";
import { dataTable, h, heading, reconcile, setText, table, whenChanged } from "../dom.js";
import { among, fixed, number, plural, share, timeNode } from "../format.js";
import { acknowledgement } from "./acknowledge.js";
import { effectsPart } from "./effects.js";
import { segmentsPart } from "./segments.js";
import { whatIfForm } from "./whatif.js";

const LEAST = 0.005; // share of the evidence that a channel beside the first must hold to be named
const plainly = (value) => (value == null ? "–" : fixed(value));

export function evidencePanel(root) {
  let state = null;
  const status = h("span", { class: "aside" });
  const rhythm = h("p", { class: "muted", id: "rhythm" });
  const repeats = h("p", { class: "muted", id: "repeats" });
  const differing = h("ul", { class: "rows" });
  const differs = h("div", { id: "differs" }, h("h3", {}, "Differs from training"),
    h("p", { class: "muted small" }, "Over the last whole days, at most seven. A state, not an alarm: it stays until the traffic is as in training again, or the model is trained anew."), differing);
  const segments = segmentsPart();
  const block = h("div", { class: "block height-1" }, h("h3", {}, "Share of the threshold"));
  const top = h("ol", { class: "top" });
  const nothing = h("p", { class: "muted" }, "Nothing yet: evidence begins with the first minute of traffic that is over. An alarm is raised where it reaches the threshold, 1.");
  const alerts = h("ol", { class: "alerts" });
  const quiet = h("p", { class: "muted" }, "No drift has been found.");
  const replayed = () => whatIf.at(state.evidence.times);
  const numbers = dataTable("evidence over time", () => table("Newest first", ["Time", "Evidence", "With other settings"],
    state.evidence.times.map((t, i) => [among(state.evidence.times, t), plainly(state.evidence.value[i]), plainly(replayed()[i])])
      .filter((row) => row[1] !== "–").reverse()));
  const whatIf = whatIfForm(() => state && draw());
  const effects = effectsPart();
  root.append(heading("evidence", "Evidence of drift", status),
    h("div", { class: "split even" },
      h("div", {}, block, numbers, rhythm, repeats, differs, segments.node, whatIf.node),
      h("div", {}, h("h3", {}, "What it points at"), nothing, top, h("h3", { class: "later" }, "Alerts"), quiet,
        h("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "List of drift alerts" }, alerts))),
    effects.node);

  const marks = (colour) => () => state.evidence.alerts.map((alert) => (
    { time: Date.parse(alert.timestamp) / 1000, stroke: colour(alert.state === "ALARM" ? "alarm" : "quiet") }));
  const course = chart(block, {
    label: "Evidence of drift over time", title: (d, i) => among(d[0], d[0][i]), utc: true, last: newest,
    legend: [
      { label: "evidence", swatch: "live", read: (d, i) => plainly(d[1][i]) },
      { label: "with other settings", swatch: "other", read: (d, i) => plainly(d[2][i]) },
      { label: "threshold", swatch: "threshold", read: () => number(state.evidence.threshold) },
    ],
    options: (colour) => ({
      ...overTime(colour, {
        range: (u, low, high) => [0, Math.max(high ?? 0, state.evidence.threshold * 1.15)],
        hooks: { draw: [horizontal(() => state.evidence.threshold, colour("alarm")), moments(marks(colour))] },
      }),
      series: [{},
        { stroke: colour("live"), fill: colour("live-wash"), width: 2, points: lonely, spanGaps: true },
        { stroke: colour("other"), width: 2, dash: [6, 4], points: lonely, spanGaps: true }],
    }),
  });

  function draw() {
    const { times, value, threshold } = state.evidence;
    const skip = Math.max(0, Math.min(value.findIndex((each) => each !== null) - 2, value.length - 20));
    const late = (values) => values.slice(skip);
    course.update([times, value, replayed()].map(late), `now ${plainly(value.findLast((each) => each !== null))}, threshold ${number(threshold)}`);
    numbers.refresh();
  }

  const showDiffers = whenChanged(({ list, acknowledged, model, today }) => {
    differs.hidden = list.length === 0;
    const seen = (entry) => [...entry.of.map((name) => `training:${name}`), ...entry.alerts].map((id) => acknowledged[id]).find(Boolean) ?? null;
    const key = (entry) => `${entry.channel} ${entry.words} ${seen(entry)?.alert_id ?? ""} ${seen(entry)?.at ?? ""} ${today}`;
    // Undo takes back what was kept, which may be of an alert.
    const named = (entry) => ({ alert_id: seen(entry)?.alert_id ?? `training:${entry.of[0]}`, model });
    reconcile(differing, list, key, (entry) => h("li", {}, h("p", {}, entry.words), acknowledgement(named(entry), seen(entry), today)));
  });
  const showAlerts = whenChanged(({ list, acknowledged, muted, standing, today }) => {
    quiet.hidden = list.length + muted.length > 0;
    alerts.parentElement.hidden = !(list.length + muted.length);
    const stands = (entry) => standing.includes(entry.alert_id);
    const key = (entry) => (entry.muted_until ? `muted ${entry.alert_id}` : `${entry.alert_id} ${acknowledged[entry.alert_id]?.at ?? ""} ${stands(entry)}`) + today;
    reconcile(alerts, [...muted, ...list], key, (entry) => (entry.muted_until ? mutedItem(entry, today) : alertItem(entry, acknowledged[entry.alert_id] ?? null, stands(entry), today)));
  });
  return (next) => {
    state = next;
    const { evidence } = state;
    root.hidden = !evidence;
    if (!evidence) return;
    const budget = evidence.budget ? `, one false alarm in ${number(Math.round(evidence.budget))} events at most` : "";
    status.replaceChildren(...(evidence.alarm && evidence.since ? ["drift found, since ", timeNode(began(evidence), state.now)] : [`no drift found${budget}`]));
    rhythm.hidden = !evidence.rhythm;
    setText(rhythm, `Rhythm of the traffic: ${evidence.rhythm ?? ""}.`);
    repeats.hidden = !evidence.repeats;
    setText(repeats, `Repeated requests: ${evidence.repeats ?? ""}.`);
    const today = new Date(state.now).toDateString(); // times of other days are shown with their day
    showDiffers({ list: evidence.differs ?? [], acknowledged: evidence.acknowledged ?? {}, model: state.model, today });
    segments.update(evidence.segments ?? []);
    whatIf.follow(state);
    draw();
    nothing.hidden = evidence.top.length > 0;
    reconcile(top, evidence.top.filter((item, i) => i === 0 || item.share >= LEAST), (item) => item.channel, topItem, updateTop);
    const drifts = evidence.verdict?.drifts ?? [];
    const muted = drifts.filter((drift) => drift.muted_until);
    const standing = drifts.map((drift) => drift.alert_id);
    showAlerts({ list: evidence.alerts ?? [], acknowledged: evidence.acknowledged ?? {}, muted, standing, today });
    effects.update(evidence);
  };
}

/** Since when the oldest drift that is heard stands; the newest evidence may be of a later one. */
const began = ({ verdict, since }) =>
  (verdict?.drifts ?? []).filter((drift) => !drift.muted_until).map((drift) => drift.since).sort()[0] ?? since;

const topItem = (item) =>
  h("li", {}, h("span", { class: "name" }, item.feature ?? channelName(item.channel), h("span", { class: "muted way" })), h("span", { class: "meter", "aria-hidden": "true" }), h("b", {}));

function updateTop(node, item) {
  setText(node.querySelector(".way"), item.direction ? ` ${item.direction}` : "");
  node.querySelector(".meter").style.setProperty("--part", item.share);
  setText(node.querySelector("b"), share(item.share));
  node.title = `${item.channel}: ${fixed(item.share * 100, 1)}% of the evidence`;
}

/** A drift that nobody was notified of, with the day on which that ends. */
const mutedItem = (drift, today) => h("li", { "data-state": "MUTED" },
  h("p", { class: "when" }, timeNode(drift.since, today), h("span", { class: "state", "data-state": "MUTED" }, "Muted")),
  h("p", { class: "strong" }, drift.words), h("p", { class: "muted small" }, `Muted until ${drift.muted_until.slice(0, 10)}: if it still drifts then, it is an alert.`));

function alertItem(alert, kept, stands, today) {
  const drift = alert.drift ?? {};
  const figure = drift.unit === "share of events" ? share : number;
  // A unit that nobody has named yet says nothing.
  const unit = ["unknown", "none"].includes(drift.unit) ? "" : ` (${drift.unit})`;
  const size = typeof drift.before === "number" && typeof drift.after === "number"
    ? `${figure(drift.before)} before, ${figure(drift.after)} after${unit}, over ${plural(drift.events ?? 0, "event")}.` : null;
  return h("li", { "data-state": alert.state },
    h("p", { class: "when" }, timeNode(alert.timestamp, today), h("span", { class: "state", "data-state": alert.state }, alert.state === "ALARM" ? "Alarm" : "Over")),
    h("p", { class: "strong" }, alert.title), size && alert.state === "ALARM" ? h("p", { class: "small" }, size) : null,
    h("p", { class: "muted small" }, alert.reason),
    // Of a drift that is over nothing can be taken as normal any more; what was kept of it can be taken back.
    alert.state === "ALARM" && (kept || stands) ? acknowledgement(alert, kept, today) : null,
    alert.state === "ALARM" && alert.next?.length ? h("ol", { class: "next small" }, ...alert.next.map((step) => h("li", {}, step))) : null);
}
