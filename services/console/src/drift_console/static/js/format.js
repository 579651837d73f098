// Numbers, units and times as people read them. Times are local; UTC is in the title.

const NONE = "–";
const cache = new Map();

function formatter(options) {
  const key = JSON.stringify(options);
  if (!cache.has(key)) cache.set(key, new Intl.NumberFormat("en", options));
  return cache.get(key);
}

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** 1234567 -> "1,234,567"; 0.12345 -> "0.123"; null -> "–". */
export function number(value) {
  if (!isNumber(value)) return NONE;
  const size = Math.abs(value);
  if (size >= 1e12 || (size > 0 && size < 1e-4)) return value.toExponential(2);
  return formatter({ maximumFractionDigits: size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 4 }).format(value);
}

/** As short as fits on an axis: 640000 -> "640K". */
export function compact(value) {
  return isNumber(value) ? formatter({ notation: "compact", maximumSignificantDigits: 3 }).format(value) : NONE;
}

/** Always `digits` decimals, so that live figures do not jump about. */
export function fixed(value, digits = 2) {
  return isNumber(value) ? formatter({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value) : NONE;
}

/** A number and its unit; a currency code stands where its people write it: "$640,000". */
export function quantity(value, unit) {
  if (!isNumber(value) || !unit) return number(value);
  if (!/^[A-Z]{3}$/.test(unit)) return `${number(value)} ${unit}`;
  const digits = Math.abs(value) >= 1000 ? 0 : 2;
  return formatter({ style: "currency", currency: unit, maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
}

/** 0.345 -> "35%"; small shares keep a digit. */
export function share(value) {
  return isNumber(value) ? formatter({ style: "percent", maximumFractionDigits: value > 0 && value < 0.1 ? 1 : 0 }).format(value) : NONE;
}

/** 6.04 -> "+6.0 sd". */
export function deviations(z) {
  return isNumber(z) ? `${signed(z)} sd` : NONE;
}

export function signed(value) {
  if (!isNumber(value)) return NONE;
  const text = fixed(Math.abs(value), Math.abs(value) < 10 ? 1 : 0);
  return Number(text.replaceAll(",", "")) === 0 ? text : `${value < 0 ? "−" : "+"}${text}`;
}

/** "1 request", "4 requests". */
export function plural(count, noun) {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** 200 -> "3 min 20 s". */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h${Math.floor((whole % 3600) / 60) ? ` ${Math.floor((whole % 3600) / 60)} min` : ""}`;
  return `${Math.floor(whole / 86400)} days`;
}

const hour = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const second = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });

/** Local time of day; with the day before it when `now` is on another one. */
export function clock(iso, now = null, withSeconds = false) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return NONE;
  const time = (withSeconds ? second : hour).format(at);
  return now && new Date(now).toDateString() !== at.toDateString() ? `${day.format(at)} ${time}` : time;
}

/** Label of a time axis: the day where labels are a day or more apart, else the local time of day. */
export function tick(seconds, step) {
  return step >= 86400 ? day.format(new Date(seconds * 1000)) : clock(seconds * 1000, null, step < 60);
}

/** Local time of one of some times in epoch seconds, oldest first; with its day where they are of several. */
export function among(times, seconds, withSeconds = true) {
  const today = (time) => new Date(time * 1000).toDateString();
  const several = times.length > 0 && today(times[0]) !== today(times.at(-1));
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return NONE;
  return several ? `${day.format(at)} ${hour.format(at)}` : clock(at, null, withSeconds);
}

/** "2026-11-23 12:00:00 UTC". */
export function utc(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? "" : `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** A <time> element: local text, UTC on hover. */
export function timeNode(iso, now = null, withSeconds = true) {
  const node = document.createElement("time");
  node.dateTime = iso;
  node.title = utc(iso);
  node.textContent = clock(iso, now, withSeconds);
  return node;
}
