// Alarm states with their reasons, their rules in words, and their history.

import { h, heading, reconcile, setText, whenChanged } from "../dom.js";
import { duration, number, plural, timeNode } from "../format.js";

const WORDS = { ALARM: "Alarm", OK: "OK", INSUFFICIENT_DATA: "No data" };
const COMPARISONS = { GreaterThanThreshold: "over", GreaterThanOrEqualToThreshold: "at or over", LessThanThreshold: "under", LessThanOrEqualToThreshold: "at or under" };
const RANK = ["ALARM", "INSUFFICIENT_DATA", "OK"];

const badge = (state) => h("span", { class: "state", "data-state": state }, WORDS[state] ?? state);

/** What an alarm waits for, in words. */
export function rule(alarm) {
  if (alarm.rule) return alarm.rule;
  const what = alarm.statistic ? `${alarm.statistic} of ${alarm.metric}` : alarm.metric ?? alarm.expression;
  const compared = COMPARISONS[alarm.comparison] ?? "against the threshold";
  const periods = alarm.datapoints_to_alarm === alarm.evaluation_periods
    ? plural(alarm.evaluation_periods, "period") : `${alarm.datapoints_to_alarm} of ${alarm.evaluation_periods} periods`;
  return `${what} ${compared} ${number(alarm.threshold)} for ${periods} of ${duration(alarm.period)}`;
}

export function alarmsPanel(root) {
  const count = h("span", { class: "aside" });
  const list = h("ul", { class: "alarms" });
  root.append(heading("alarms", "Alarms", count), list);
  const show = whenChanged(({ alarms }) => {
    const sorted = [...alarms].sort((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state));
    const raised = alarms.filter((alarm) => alarm.state === "ALARM").length;
    setText(count, raised ? `${raised} of ${alarms.length} raised` : `${alarms.length} watched, none raised`);
    reconcile(list, sorted, (alarm) => alarm.name, create, update);
  });
  return ({ alarms, now }) => {
    show({ alarms });
    for (const node of list.children) {
      const since = alarms.find((alarm) => alarm.name === node.dataset.key)?.since;
      setText(node.querySelector(".for"), since ? `for ${duration((Date.parse(now) - Date.parse(since)) / 1000)}` : "");
    }
  };
}

function create(alarm) {
  const details = h("details", {},
    h("summary", {}, h("span", { class: "state" }), h("span", { class: "title" }, alarm.title), h("span", { class: "for" })),
    h("p", { class: "reason" }), h("p", { class: "rule muted small" }),
    h("p", { class: "small strong next-title" }, "What to do"), h("ol", { class: "next small" }));
  return h("li", { "data-state": "" }, details);
}

function update(node, alarm) {
  const before = node.dataset.state;
  node.dataset.state = alarm.state;
  node.querySelector(".state").replaceWith(badge(alarm.state));
  setText(node.querySelector(".title"), alarm.title);
  setText(node.querySelector(".reason"), alarm.reason || "No reason yet.");
  setText(node.querySelector(".rule"), `Rule ${alarm.name}: ${rule(alarm)}`);
  node.querySelector(".next-title").hidden = !alarm.next?.length;
  reconcile(node.querySelector(".next"), alarm.next ?? [], (step) => step, (step) => h("li", {}, step));
  // Open when it goes off, fold when it is over; in between the reader decides. A composite only repeats another.
  if (!alarm.rule && alarm.state !== before && (alarm.state === "ALARM" || before === "ALARM")) node.querySelector("details").open = alarm.state === "ALARM";
}

export function historyPanel(root) {
  const list = h("ol", { class: "history" });
  const none = h("p", { class: "muted" }, "No alarm has changed its state yet.");
  const box = h("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "List of state changes" }, none, list);
  root.append(heading("history", "History of alarms", h("span", { class: "aside" }, "newest first")), box);
  return ({ history, alarms, now }) => {
    none.hidden = history.length > 0;
    const titles = new Map(alarms.map((alarm) => [alarm.name, alarm.title]));
    const newestFirst = [...history].sort((a, b) => Date.parse(b.timestamp) - Date.parse(a.timestamp));
    reconcile(list, newestFirst, (change) => `${change.timestamp} ${change.alarm} ${change.to}`, (change) =>
      h("li", { "data-state": change.to },
        h("p", { class: "when" }, timeNode(change.timestamp, now), badge(change.from), h("span", { "aria-hidden": "true" }, "→"), h("span", { class: "unseen" }, "to"), badge(change.to)),
        h("p", { class: "strong" }, titles.get(change.alarm) ?? change.alarm), h("p", { class: "muted small" }, change.reason)));
  };
}
