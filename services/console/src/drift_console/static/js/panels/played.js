// The line that says which past traffic is shown, how fast, and how far it has come.

import { h, setText, whenChanged } from "../dom.js";
import { number, plural, share } from "../format.js";

const when = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
});
const pace = (speed) => (speed === null ? "at full speed" : `at × ${number(speed)}`);

export function playedPanel(root) {
  const words = h("p", {});
  const bar = h("progress", { max: "1", value: "0", "aria-label": "Rows of the replay" });
  const note = h("p", { class: "note" });
  root.append(words, bar, note);
  const say = whenChanged((replay) => {
    root.hidden = !replay;
    if (!replay) return;
    const now = when.format(new Date(replay.now));
    const done = replay.rows ? replay.played / replay.rows : 0;
    setText(words, replay.ended
      ? `Replay of ${replay.file}, ended at ${now}. The page stays as it was then.`
      : `Replay of ${replay.file} ${pace(replay.speed)}, now at ${now}.`);
    bar.value = done;
    setText(note, `${number(replay.played)} of ${plural(replay.rows, "row")} (${share(done)}), up to ${when.format(new Date(replay.last))}. `
      + "Past traffic with its own times and a store of its own; nobody is notified.");
  });
  return (state) => say(state.service?.replay ?? null);
}
