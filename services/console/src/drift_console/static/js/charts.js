// uPlot, dressed for this page: colours from the style sheet, a legend that reads the bucket under the cursor,
// arrow keys that move it, and redrawing when the box or the theme changes.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { compact, tick, utc } from "./format.js";
import { h, setText } from "./dom.js";

const alive = new Set();
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const FONT = '11px Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/** Draw every chart again, as after a change of theme. */
export function redrawAll() {
  for (const chart of alive) chart.rebuild();
}

/** Let go of every chart, as before the panels are built anew. */
export function forgetAll() {
  for (const chart of [...alive]) chart.remove();
}

/**
 * A chart in a focusable figure. `spec.options(colour)` gives uPlot's options, `spec.legend` rows of
 * {label, swatch, read(data, index)}, `spec.title(data, index)` what the cursor stands on.
 */
export function chart(host, spec) {
  const canvas = h("div", { class: "plot", role: "img", tabindex: "0", "aria-label": spec.label });
  const where = h("span", { class: "where" });
  const readings = spec.legend.map((row) => h("span", { class: "value" }));
  const legend = h("p", { class: "legend" }, ...spec.legend.map((row, i) =>
    h("span", { class: "entry" }, h("span", { class: `swatch ${row.swatch}`, "aria-hidden": "true" }), `${row.label} `, readings[i])), where);
  host.append(legend, canvas);
  let data = null;
  let plot = null;

  const read = () => {
    if (!data?.[0].length) return;
    const index = plot?.cursor.idx ?? (spec.last ? spec.last(data) : null);
    spec.legend.forEach((row, i) => setText(readings[i], index === null ? "" : row.read(data, index)));
    setText(where, index === null ? "" : spec.title(data, index));
    if (spec.utc) where.title = index === null ? "" : utc(data[0][index] * 1000);
  };
  const rebuild = () => {
    plot?.destroy();
    plot = null;
    if (!data?.[0].length || !canvas.clientWidth) return;
    const options = spec.options(colour);
    options.hooks = { ...options.hooks, setCursor: [read] };
    plot = new uPlot({ width: canvas.clientWidth, height: canvas.clientHeight, legend: { show: false }, ...options }, data, canvas);
    read();
  };
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !plot) return;
    event.preventDefault();
    const index = Math.min(Math.max((plot.cursor.idx ?? spec.last?.(data) ?? 0) + step, 0), data[0].length - 1);
    plot.setCursor({ left: plot.valToPos(data[0][index], "x"), top: plot.over.clientHeight / 2 });
    canvas.setAttribute("aria-label", `${spec.label}: ${legend.textContent}`);
  });
  canvas.addEventListener("blur", () => plot?.setCursor({ left: -10, top: -10 }));
  const observer = new ResizeObserver(() => {
    if (!plot) rebuild();
    else if (plot.width !== canvas.clientWidth || plot.height !== canvas.clientHeight) plot.setSize({ width: canvas.clientWidth, height: canvas.clientHeight });
  });
  observer.observe(canvas);
  const handle = {
    rebuild,
    update(next, summary) {
      data = next;
      if (document.activeElement !== canvas) canvas.setAttribute("aria-label", summary ? `${spec.label}: ${summary}` : spec.label);
      canvas.classList.toggle("blank", !data.slice(1).some((values) => values.some((value) => value !== null && value !== 0)));
      if (plot) plot.setData(data);
      else rebuild();
      read();
    },
    remove() {
      alive.delete(handle);
      observer.disconnect();
      plot?.destroy();
    },
  };
  alive.add(handle);
  return handle;
}

/** The newest index with a value in the first series, or null. */
export function newest(data) {
  const index = data[1].findLastIndex((value) => value !== null);
  return index < 0 ? null : index;
}

const LABEL_SPACE = 64;
const FEWEST = 20; // buckets shown at least

/** How many leading buckets to leave out, so that a short history fills the chart instead of its last pixels. */
export function leading(series) {
  const first = series.count.findIndex((count) => count > 0);
  return first < 0 ? 0 : Math.max(0, Math.min(first - 2, series.count.length - FEWEST));
}

/** Options shared by every chart over time. */
export function overTime(colour, { axis = true, format = compact, range, hooks = {} } = {}) {
  const ink = { stroke: colour("muted"), font: FONT, ticks: { show: false } };
  const grid = { stroke: colour("grid"), width: 1 };
  return {
    cursor: { sync: { key: "time" }, y: false, points: { size: 6 }, drag: { x: false, y: false } },
    padding: [8, 20, axis ? 0 : 4, 0],
    scales: { y: { range } },
    axes: [
      { ...ink, show: axis, grid: { show: false }, size: 26, gap: 4, space: LABEL_SPACE, values: (u, splits) => splits.map((t) => tick(t, splits.length > 1 ? splits[1] - splits[0] : 60)) },
      { ...ink, grid, size: 52, gap: 6, space: 44, values: (u, splits) => splits.map(format) },
    ],
    hooks,
  };
}

/** Points only where a bucket stands alone between empty ones, where a line would draw nothing. */
export const lonely = {
  show: true,
  size: 4,
  filter: (u, index) => {
    const values = u.data[index];
    const found = [];
    values.forEach((value, i) => value !== null && values[i - 1] == null && values[i + 1] == null && found.push(i));
    return found;
  },
};

/** A dashed line at a height, drawn over the chart: for the `draw` hook. */
export function horizontal(value, stroke, dash = [5, 4]) {
  return (u) => {
    const y = value();
    if (y === null || y < u.scales.y.min || y > u.scales.y.max) return;
    line(u.ctx, stroke, dash, u.bbox.left, u.valToPos(y, "y", true), u.bbox.left + u.bbox.width, u.valToPos(y, "y", true));
  };
}

/** A dashed line at a place on the horizontal axis, if there is one: for the `draw` hook. */
export function verticalAt(place, stroke) {
  return (u) => {
    if (place() === null) return;
    const x = u.valToPos(place(), "x", true);
    line(u.ctx, stroke, [5, 4], x, u.bbox.top, x, u.bbox.top + u.bbox.height);
  };
}

/** Vertical lines at moments [{time, stroke}]: for the `draw` hook. */
export function moments(list) {
  return (u) => {
    for (const { time, stroke } of list()) {
      if (time < u.scales.x.min || time > u.scales.x.max) continue;
      const x = u.valToPos(time, "x", true);
      line(u.ctx, stroke, [2, 3], x, u.bbox.top, x, u.bbox.top + u.bbox.height);
    }
  };
}

function line(context, stroke, dash, fromX, fromY, toX, toY) {
  context.save();
  context.strokeStyle = stroke;
  context.lineWidth = devicePixelRatio;
  context.setLineDash(dash.map((length) => length * devicePixelRatio));
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  context.stroke();
  context.restore();
}

export { uPlot };
