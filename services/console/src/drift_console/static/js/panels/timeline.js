// Drift score, predictions and requests over time, on one clock.

import { chart, horizontal, leading, lonely, moments, newest, overTime, uPlot } from "../charts.js";
import { dataTable, h, heading, setText, table } from "../dom.js";
import { among, compact, duration, fixed, number, quantity } from "../format.js";
import { limitOf } from "./answers.js";

const title = (data, i) => among(data[0], data[0][i]);
const plainly = (value) => (value == null ? "–" : fixed(value));

export function timelinePanel(root) {
  let state = null;
  const span = h("span", { class: "aside" });
  const unit = () => state?.target?.unit ?? "";
  const limit = () => (state?.answers ? limitOf(state.answers) : null);
  const money = (value) => (state?.answers ? plainly(value) : value == null ? "–" : quantity(value, unit()));
  const blocks = ["Drift score", "Predictions", "Requests"].map((name, i) => h("div", { class: `block height-${i}` }, h("h3", {}, name)));
  const numbers = dataTable("drift score, predictions and requests over time", () => {
    const { times, count, prediction, drift_score: drift } = state.series;
    const rows = times.map((time, i) => [among(times, time), number(count[i]), plainly(drift.average[i]), plainly(drift.maximum[i]),
      money(prediction.average[i]), money(prediction.p10[i]), money(prediction.p90[i])]).filter((row) => row[1] !== "0").reverse();
    return table("Newest first", ["Time", "Requests", "Score, average", "Score, maximum", "Prediction, average", "10th percentile", "90th percentile"], rows);
  });
  root.append(heading("timeline", "Over time", span), ...blocks, numbers);

  const changes = (colour) => () => state.history
    .filter((change) => change.to === "ALARM" || change.from === "ALARM")
    .map((change) => ({ time: Date.parse(change.timestamp) / 1000, stroke: colour(change.to === "ALARM" ? "alarm" : "quiet") }));

  const drift = chart(blocks[0], {
    label: "Drift score over time", title, utc: true, last: newest,
    legend: [
      { label: "average", swatch: "live", read: (d, i) => plainly(d[1][i]) },
      { label: "maximum", swatch: "soft", read: (d, i) => plainly(d[2][i]) },
      { label: "threshold", swatch: "threshold", read: () => number(state.threshold) },
    ],
    options: (colour) => ({
      ...overTime(colour, {
        axis: false, range: (u, low, high) => [0, Math.max(high ?? 0, state.threshold * 1.25) * 1.05],
        hooks: { draw: [horizontal(() => state.threshold, colour("alarm")), moments(changes(colour))] },
      }),
      series: [{},
        { stroke: colour("live"), fill: colour("live-wash"), width: 2, points: lonely },
        { stroke: colour("soft"), width: 1, points: lonely }],
    }),
  });
  const predictions = chart(blocks[1], {
    label: "Predictions over time", title, utc: true, last: newest,
    legend: [
      { label: "average", swatch: "live", read: (d, i) => money(d[1][i]) },
      { label: "10th to 90th percentile", swatch: "band", read: (d, i) => (d[2][i] == null ? "–" : state.answers ? `${fixed(d[3][i])} to ${fixed(d[2][i])}` : `${compact(d[3][i])} to ${compact(d[2][i])}`) },
    ],
    options: (colour) => ({
      ...overTime(colour, state?.answers ? { axis: false, range: () => [0, 1], hooks: { draw: [horizontal(limit, colour("alarm"))] } } : { axis: false }),
      series: [{},
        { stroke: colour("live"), width: 2, points: lonely },
        { stroke: colour("band"), width: 1, points: { show: false } },
        { stroke: colour("band"), width: 1, points: { show: false } }],
      bands: [{ series: [2, 3], fill: colour("band") }],
    }),
  });
  const requests = chart(blocks[2], {
    label: "Requests over time", title, utc: true, last: newest,
    legend: [{ label: "in a bucket", swatch: "bars", read: (d, i) => number(d[1][i] ?? 0) }],
    options: (colour) => ({
      ...overTime(colour, { range: (u, low, high) => [0, Math.max(high ?? 0, 1) * 1.1] }),
      series: [{}, { stroke: colour("bars"), fill: colour("bars"), width: 0, paths: uPlot.paths.bars({ size: [0.8, 40, 1] }), points: { show: false } }],
    }),
  });

  return (next) => {
    state = next;
    const { times, count, prediction, drift_score: score, bucket_seconds: bucket } = state.series;
    const last = score.average.findLast((value) => value !== null);
    setText(blocks[1].firstChild, state.answers ? "Score" : "Predictions");
    blocks[1].firstChild.title = state.answers?.score?.description ?? "";
    const skip = leading(state.series);
    const late = (values) => values.slice(skip);
    setText(span, `${skip ? `since ${among(times, times[skip], false)}` : `last ${duration(bucket * times.length)}`}, ${duration(bucket)} a bucket`);
    drift.update([late(times), late(score.average), late(score.maximum)], `now ${plainly(last)}, threshold ${number(state.threshold)}`);
    predictions.update([times, prediction.average, prediction.p90, prediction.p10].map(late), `now ${money(prediction.average.findLast((v) => v !== null))}`);
    requests.update([late(times), late(count)], `${number(count.reduce((sum, value) => sum + (value ?? 0), 0))} shown`);
    numbers.refresh();
  };
}
