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
  return `${feature.name} is ${fixed(size, size < 10 && size % 1 >= 0.05 ? 1 : 0)} sd ${feature.z > 0 ? "above" : "below"} its baseline`;
}

/** The feature that the evidence names, in the shape of a departure; null where it names none of the features alone. */
export function proven(state) {
  const { finding, effects = [], alarm } = state.evidence ?? {};
  if (alarm && finding && isAnswer(state, finding)) return answered(finding);
  const name = finding?.of?.length === 1 ? finding.of[0] : null;
  if (!alarm || !state.features.some((feature) => feature.name === name)) return null;
  const shift = effects.find((one) => one.feature === name)?.mean_shift?.value;
  return { name, z: finding.kind === "location" ? finding.size : shift ?? finding.effect, since: finding.since, words: moved(finding) };
}

/** Whether a finding is of a classifier's label, score, margin or entropy. */
const isAnswer = (state, finding) => Boolean(state.answers) && finding.of?.length === 1 && finding.of[0] === "prediction";

/** A part of the answer in the shape of a departure; `place` is where the page shows it. */
function answered(finding) {
  const name = finding.channel.replace(/^answer:/, "");
  const words = finding.kind === "share" ? `different from its baseline (share of ${finding.direction}, like ${fixed(finding.effect)} sd)` : moved(finding);
  return { name, z: finding.kind === "location" ? finding.size : finding.effect, since: finding.since, words, place: "#answers" };
}

/** "0.5 sd higher", "spread up by a factor of 1.5". */
function moved(finding) {
  if (finding.kind === "location") return `${fixed(Math.abs(finding.size))} sd ${finding.direction === "down" ? "lower" : "higher"} than its baseline`;
  return `different from its baseline (${finding.kind} ${finding.direction}, like ${fixed(finding.effect)} sd)`;
}

/** "Also drifting: age is 1.2 sd higher than its baseline since 14:05." for every alarm beside the one in the headline. */
function also(state, headline, at) {
  const named = (finding) => (isAnswer(state, finding) ? answered(finding) : { name: finding.of.join(" and "), words: moved(finding) });
  const others = (state.evidence?.standing ?? []).filter((finding) => named(finding).name !== headline);
  if (!others.length || !headline) return "";
  const words = others.map((finding) => `${named(finding).name} is ${named(finding).words} since ${at(finding.since)}`);
  return ` Also drifting: ${words.join("; ")}.`;
}

/** {level: "alarm"|"watch"|"quiet"|"empty", headline, detail, drifted: [{name, z}]}. */
export function verdict(state) {
  const dead = state.service?.dead ?? [];
  if (dead.length) return { level: "alarm", headline: `The console's ${dead.join(" and ")} died`, detail: "It ends within seconds and has to be started again; console.log says what happened.", drifted: [] };
  const found = drifting(state);
  const sure = proven(state);
  const drifted = found.length || !sure ? found : [sure];
  const drift = driftAlarm(state);
  const others = raised(state).filter((alarm) => alarm !== drift);
  const urgent = others.find((alarm) => alarm.severity === "high");
  const at = (iso) => clock(iso, state.now);
  if (drift || state.evidence?.alarm) {
    const since = drift?.since ?? state.evidence.since;
    const what = found.length
      ? `${departed(found[0])} since ${at(found[0].since)}`
      : sure ? `${sure.name} is ${sure.words} since ${at(sure.since)}`
      : drift ? `the average score is over ${number(drift.threshold ?? state.threshold)} since ${at(since)}` : `the evidence reached its threshold, since ${at(since)}`;
    const reason = drift?.reason ?? told(state) ?? "Sequential evidence, pooled over all channels.";
    const beside = also(state, found[0]?.name ?? sure?.name, at);
    return { level: "alarm", headline: `Drift: ${what}`, detail: `${reason}${beside}`, drifted };
  }
  if (urgent) return { level: "alarm", headline: `Alarm: ${urgent.title} since ${at(urgent.since)}`, detail: urgent.reason, drifted };
  if (!state.totals.predictions) {
    if (state.recent.length) return { level: "empty", headline: "No predictions in this window", detail: `The last came at ${at(state.recent[0].timestamp)}. Choose a longer window to see it.`, drifted };
    return { level: "empty", headline: "No predictions yet", detail: "Paste the line below into a terminal, or send a scenario.", drifted };
  }
  if (drifted.length) {
    const detail = `No alarm yet: ${plural(drifted[0].requests, "request")} so far. An alarm needs an average drift score over ${number(state.threshold)} for long enough.`;
    return { level: "watch", headline: `Drift building: ${departed(drifted[0])} since ${at(drifted[0].since)}`, detail, drifted };
  }
  if (others.length) return { level: "watch", headline: `${others[0].title} since ${at(others[0].since)}`, detail: others[0].reason, drifted };
  return { level: "quiet", headline: "All quiet", detail: quiet(state), drifted };
}

/** The reason of the newest drift alert. */
const told = (state) => state.evidence?.alerts?.find((alert) => alert.state === "ALARM")?.reason;

function quiet(state) {
  const window = duration(state.series.bucket_seconds * state.series.times.length);
  const away = state.features.filter((feature) => Math.abs(feature.live?.z ?? 0) > state.threshold);
  const earlier = away.length ? ` Earlier in this window ${away.map((f) => `${f.name} was ${signed(f.live.z)} sd`).join(", ")} away.` : "";
  return `No alarm, and no feature away from its baseline now. Showing the last ${window}.${earlier}`;
}
