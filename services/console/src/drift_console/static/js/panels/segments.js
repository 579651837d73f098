// Segments of the traffic: each is held against the same segment of training, by a detector of its own.

import { channelName } from "../channels.js";
import { h, setText, table, whenChanged } from "../dom.js";
import { fixed, number, share } from "../format.js";

/** "product:age:sqft down" -> "age with sqft down". */
function pointsAt(words) {
  if (!words) return "–";
  const end = words.lastIndexOf(" ");
  return `${channelName(words.slice(0, end))}${words.slice(end)}`;
}

export function segmentsPart() {
  const words = h("p", { class: "muted" });
  const body = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Segments of the traffic" });
  const node = h("div", { id: "segments", hidden: true }, h("h3", { class: "later" }, "Segments"), words, body);
  const show = whenChanged((list) => {
    const watched = list.filter((segment) => segment.watched);
    const few = list.filter((segment) => !segment.watched && segment.rows > 0);
    const names = few.map((segment) => `${segment.feature} ${segment.value} (${number(segment.rows)})`).join(", ");
    setText(words, `${watched.length} watched, each against itself in training.${few.length ? ` Too few training rows to watch: ${names}.` : ""}`);
    body.replaceChildren(table("Share of the threshold in each segment", ["Segment", "Part of training", "Events", "Evidence", "Points at"],
      watched.map((segment) => [`${segment.feature} ${segment.value}`, share(segment.share), number(segment.events),
        `${fixed(segment.strength)}${segment.alarm ? ", drift found" : ""}`, pointsAt(segment.points_at)])));
  });
  return {
    node,
    update(list) {
      node.hidden = !list.length;
      if (list.length) show(list);
    },
  };
}
