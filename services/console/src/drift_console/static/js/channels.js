// Channels as people call them.

/** "product:age:sqft" -> "age with sqft"; "sum_of_squares" -> "all features together"; "sum:all" -> "the sum of all features". */
export function channelName(channel) {
  const [kind, ...of] = channel.split(":");
  if (channel === "sum_of_squares") return "all features together";
  if (kind === "sum" && of.length) return "the sum of all features";
  return kind === "product" || kind === "concordance" ? of.join(" with ") : of.length ? `${of.join(", ")}, ${kind.replaceAll("_", " ")}` : channel;
}
