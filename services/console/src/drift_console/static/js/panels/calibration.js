// Whether a classifier's probabilities are what they say: predicted against observed on the held-out rows.

import { chart, overTime } from "../charts.js";
import { dataTable, h, table, setText, whenChanged } from "../dom.js";
import { fixed, number, plural, share } from "../format.js";

/** {node, update(answers)}: predicted against observed on the held-out rows. */
export function calibrationPart() {
  let bins = [];
  const title = h("h3", {}, "Calibration on held-out rows");
  const block = h("div", { class: "block calibration" }, title);
  const words = h("p", { class: "small" });
  const span = (bin) => `${fixed(bin.low)} to ${fixed(bin.high)}`;
  const numbers = dataTable("calibration on held-out rows", () => table("By predicted probability", ["Predicted between", "Rows", "Mean predicted", "Observed", "95% interval"],
    bins.map((bin) => [span(bin), number(bin.count), share(bin.predicted), share(bin.observed), `${share(bin.observed_low)} to ${share(bin.observed_high)}`])));
  const node = h("div", {}, block, words, numbers);
  const points = chart(block, {
    label: "Calibration on held-out rows", title: (d, i) => (bins[i] ? plural(bins[i].count, "row") : ""),
    last: (data) => (data[0].length ? data[0].length - 1 : null),
    legend: [
      { label: "predicted", swatch: "diagonal", read: (d, i) => share(d[0][i]) },
      { label: "observed", swatch: "live", read: (d, i) => share(d[1][i]) },
    ],
    options: (colour) => {
      const shared = overTime(colour, { range: () => [0, 1], format: (value) => share(value) });
      const [across, up] = shared.axes;
      return {
        ...shared,
        cursor: { y: false, points: { size: 8 }, drag: { x: false, y: false } },
        scales: { x: { time: false, range: () => [0, 1] }, y: { range: () => [0, 1] } },
        axes: [{ ...across, values: (u, splits) => splits.map((value) => share(value)) }, up],
        hooks: { draw: [diagonal(colour("muted")), whiskers(() => bins, colour("live"))] },
        series: [{}, { stroke: colour("live"), width: 1, points: { show: true, size: 7, fill: colour("live") } }],
      };
    },
  });
  return {
    node,
    update: whenChanged((answers) => {
      bins = (answers.calibration ?? []).filter((bin) => bin.predicted !== null && bin.observed !== null);
      block.hidden = numbers.hidden = !bins.length;
      const rows = bins.reduce((sum, bin) => sum + bin.count, 0);
      const what = answers.positive === null ? "the label was right" : `the class was ${answers.positive}`;
      setText(words, bins.length ? `How often ${what}, against how probable the model had it, over ${plural(rows, "row")}. On the dashed line the probabilities are what they say.`
        : "No calibration is recorded for this model.");
      points.update([bins.map((bin) => bin.predicted), bins.map((bin) => bin.observed)], words.textContent);
      numbers.refresh();
    }),
  };
}

const draw = (u, stroke, dash, lines) => {
  const { ctx } = u;
  ctx.save();
  ctx.strokeStyle = stroke;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
  ctx.beginPath();
  for (const [x1, y1, x2, y2] of lines) {
    ctx.moveTo(u.valToPos(x1, "x", true), u.valToPos(y1, "y", true));
    ctx.lineTo(u.valToPos(x2, "x", true), u.valToPos(y2, "y", true));
  }
  ctx.stroke();
  ctx.restore();
};

const diagonal = (stroke) => (u) => draw(u, stroke, [5, 4], [[0, 0, 1, 1]]);
const whiskers = (bins, stroke) => (u) => draw(u, stroke, [], bins().map((bin) => [bin.predicted, bin.observed_low, bin.predicted, bin.observed_high]));

