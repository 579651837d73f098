// What the page says at its top, decided from the state alone (no element is touched here).

import { clock, duration, fixed, number, plural, signed } from "./format.js";

const ENOUGH = 10; // requests in a feature's current run that name it even before its whole window is off

/**
 * The current departure of a feature from its baseline: the unbroken run of buckets, up to the newest one with data,
 * whose average lies over `threshold` standard deviations away. Null while the newest bucket is ordinary.
 */
export function departure(feature, series, threshold) {
  const { mean, std } = feature.baseline ?? {};
  const averages = feature.series?.average ?? [];
  if (!(std > 0)) return null;
  let requests = 0;
  let total = 0;
  let since = null;
  for (let i = averages.length - 1; i >= 0; i -= 1) {
    if (averages[i] === null) continue;
    const z = (averages[i] - mean) / std;
    if (Math.abs(z) <= threshold || total * z < 0) break;
    const weight = series.count[i] || 1;
    requests += weight;
    total += z * weight;
    since = series.times[i];
  }
  return since === null ? null : { name: feature.name, z: total / requests, requests, since: new Date(since * 1000).toISOString() };
}

/** The features that have left their baseline now, the furthest first. */
export function drifting(state) {
  const sure = driftAlarm(state) !== undefined || state.evidence?.alarm;
  return state.features
    .map((feature) => ({ feature, found: departure(feature, state.series, state.threshold) }))
    .filter(({ feature, found }) => found && (sure || found.requests >= ENOUGH || Math.abs(feature.live?.z ?? 0) > state.threshold))
    .map(({ found }) => found)
    .sort((a, b) => Math.abs(b.z) - Math.abs(a.z));
}

const raised = (state) => state.alarms.filter((alarm) => alarm.state === "ALARM" && !alarm.rule);

function driftAlarm(state) {
  return raised(state).find((alarm) => alarm.metric === "DriftScore" && alarm.statistic !== "SampleCount");
}

function departed(feature) {
  const size = Math.abs(feature.z);
  return `${feature.name} is ${fixed(size, size < 10 && size % 1 >= 0.05 ? 1 : 0)} standard deviations ${feature.z > 0 ? "above" : "below"} its baseline`;
}

/** The drifts that stand and are not muted, as the server decided, each in the shape of a departure for its chip. */
export function proven(state) {
  const { finding, effects = [], standing = [], verdict: decided } = state.evidence ?? {};
  return (decided?.drifts ?? []).filter((drift) => !drift.muted_until).map((drift) => {
    const isAnswer = Boolean(state.answers) && drift.of.length === 1 && drift.of[0] === "prediction";
    const name = drift.of.join(" with ");
    const own = [finding, ...standing].find((one) => one?.of?.join(" with ") === name);
    const shift = effects.find((one) => one.feature === name)?.mean_shift?.value;
    const z = own?.kind === "location" ? own.size : shift ?? own?.effect ?? null;
    return { ...drift, name, z, place: isAnswer ? "#answers" : drift.of.length === 1 ? `#feature-${name}` : "#evidence" };
  });
}

/** The server's sentences, with the times in the reader's zone. */
const since = (drift, at) => `${drift.words}, since ${at(drift.since)}`;

/** "Also drifting: …" for every drift beside the one of the headline, and what is muted. */
function also(drifts, at) {
  const heard = drifts.filter((drift) => !drift.muted_until).slice(1).map((drift) => `Also drifting: ${since(drift, at)}.`);
  const muted = drifts.filter((drift) => drift.muted_until).map((drift) => `Muted until ${drift.muted_until.slice(0, 10)}: ${since(drift, at)}.`);
  return [...heard, ...muted].join(" ");
}

/** {level: "alarm"|"watch"|"quiet"|"empty", headline, detail, drifted: [{name, z}]}. */
export function verdict(state) {
  const dead = state.service?.dead ?? [];
  if (dead.length) return { level: "alarm", headline: `The console's ${dead.join(" and ")} died`, detail: "It ends within seconds and has to be started again; console.log says what happened.", drifted: [] };
  const decided = state.evidence?.verdict;
  const sure = proven(state);
  const found = drifting(state);
  const drifted = sure.length ? sure : found;
  const drift = driftAlarm(state);
  const others = raised(state).filter((alarm) => alarm !== drift);
  const urgent = others.find((alarm) => alarm.severity === "high");
  const at = (iso) => clock(iso, state.now);
  const unproven = [found.length && !sure.length ? `Large effect without evidence: ${departed(found[0])} since ${at(found[0].since)}.` : "", decided?.unproven ?? ""].find(Boolean) ?? "";
  const lines = (...parts) => parts.filter(Boolean).join(" ");
  if (decided?.level === "alarm") {
    const beside = also(decided.drifts, at);
    return { level: "alarm", headline: sure.length ? `${decided.headline}, since ${at(sure[0].since)}` : decided.headline, detail: lines(told(state, sure[0]), beside, decided.unproven), drifted };
  }
  if (drift) return { level: "alarm", headline: `Alarm: ${drift.title} since ${at(drift.since)}`, detail: lines(drift.reason, unproven), drifted };
  if (urgent) return { level: "alarm", headline: `Alarm: ${urgent.title} since ${at(urgent.since)}`, detail: urgent.reason, drifted };
  if (!state.totals.predictions) {
    if (state.recent.length) return { level: "empty", headline: "No predictions in this window", detail: `The last came at ${at(state.recent[0].timestamp)}. Choose a longer window to see it.`, drifted };
    return { level: "empty", headline: "No predictions yet", detail: "Paste the line below into a terminal, or send a scenario.", drifted };
  }
  if (decided?.level === "watch") return { level: "watch", headline: decided.headline, detail: lines(also(decided.drifts.slice(1), at), unproven), drifted };
  if (found.length) {
    const detail = `${unproven} No alarm yet: ${plural(found[0].requests, "request")} so far. An alarm needs evidence, or an average drift score over ${number(state.threshold)} for long enough.`;
    return { level: "watch", headline: "No drift found yet", detail, drifted };
  }
  if (others.length) return { level: "watch", headline: `${others[0].title} since ${at(others[0].since)}`, detail: others[0].reason, drifted };
  return { level: "quiet", headline: "All quiet", detail: lines(quiet(state), decided?.unproven), drifted };
}

/** The reason of the alert that the headline is about. */
function told(state, drift) {
  const reason = state.evidence?.alerts?.find((alert) => alert.alert_id === drift?.alert_id)?.reason;
  return reason && `${reason}.`;
}

function quiet(state) {
  const window = duration(state.series.bucket_seconds * state.series.times.length);
  const away = state.features.filter((feature) => Math.abs(feature.live?.z ?? 0) > state.threshold);
  const earlier = away.length ? ` Earlier in this window ${away.map((f) => `${f.name} was ${signed(f.live.z)} standard deviations`).join(", ")} away.` : "";
  return `No alarm, and no feature away from its baseline now. Showing the last ${window}.${earlier}`;
}
