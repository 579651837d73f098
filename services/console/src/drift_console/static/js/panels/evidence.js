// Sequential evidence of drift over time; hidden until the server has any.

import { chart, horizontal, lonely, newest, overTime } from "../charts.js";
import { dataTable, h, heading, reconcile, setText, table } from "../dom.js";
import { clock, fixed, number, share, timeNode } from "../format.js";

export function evidencePanel(root) {
  let state = null;
  const status = h("span", { class: "aside" });
  const block = h("div", { class: "block height-1" }, h("h3", {}, "Evidence (log scale)"));
  const top = h("ol", { class: "top" });
  const numbers = dataTable("evidence over time", () => table("Newest first", ["Time", "Evidence"],
    state.evidence.times.map((t, i) => [clock(t * 1000, null, true), number(state.evidence.value[i])]).reverse()));
  root.append(heading("evidence", "Evidence of drift", status),
    h("div", { class: "split even" }, h("div", {}, block, numbers), h("div", {}, h("h3", {}, "What it points at"), top)));
  const log = (value) => (value === null ? null : Math.log10(Math.max(value, 1e-3)));
  const limit = () => log(state.evidence.threshold);
  const course = chart(block, {
    label: "Evidence of drift over time", title: (d, i) => clock(d[0][i] * 1000, null, true), utc: true, last: newest,
    legend: [
      { label: "evidence", swatch: "live", read: (d, i) => (d[1][i] === null ? "–" : number(10 ** d[1][i])) },
      { label: "alarm at", swatch: "threshold", read: () => number(state.evidence.threshold) },
    ],
    options: (colour) => ({
      ...overTime(colour, {
        format: (power) => (Number.isInteger(power) ? `1e${power}` : ""),
        range: (u, low, high) => [Math.min(low ?? 0, 0), Math.max(high ?? 0, limit() + 0.5)],
        hooks: { draw: [horizontal(limit, colour("alarm"))] },
      }),
      series: [{}, { stroke: colour("live"), fill: colour("live-wash"), width: 2, points: lonely }],
    }),
  });
  return (next) => {
    state = next;
    const { evidence } = state;
    root.hidden = !evidence;
    if (!evidence) return;
    const last = evidence.value.at(-1);
    status.replaceChildren(...(evidence.alarm && evidence.since ? ["over its threshold since ", timeNode(evidence.since, state.now)] : ["under its threshold"]));
    course.update([evidence.times, evidence.value.map(log)], `now ${number(last)}, threshold ${number(evidence.threshold)}`);
    reconcile(top, evidence.top, (item) => `${item.channel} ${item.direction}`,
      (item) => h("li", {}, h("span", { class: "name" }, item.feature ?? item.channel, h("span", { class: "muted" }, ` ${item.direction}`)), h("span", { class: "meter", "aria-hidden": "true" }), h("b", {})),
      (node, item) => {
        node.querySelector(".meter").style.setProperty("--part", item.share);
        setText(node.querySelector("b"), share(item.share));
        node.title = `${item.channel}: ${fixed(item.share * 100, 1)}% of the evidence`;
      });
    numbers.refresh();
  };
}
