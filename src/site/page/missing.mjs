// What is missing or waits, in plain words.

import { make } from "./element.mjs";
import { formatNumber } from "./format.mjs";
import { nameElement } from "./parts.mjs";
import { hasWords, say, sayCount } from "./words.mjs";

// Of these, binders are counted; of the others, documents.
const OF_BINDERS = ["inaccessible", "uncertified", "unread"];
const NO_COUNT = ["interrupted"];
const WAITING = ["withheld", "acknowledged", "filtered", "purged", "without_version"];

export function missingView(store) {
  const gaps = store.start.gaps ?? [];
  return make(
    "div",
    { class: "missing" },
    make("h1", { tabindex: -1 }, say("missingTitle")),
    gaps.length ? gaps.map(gapSection) : nothingSection(store.start.run),
  );
}

// Without a complete run nobody knows whether something is missing.
function nothingSection(run) {
  const isKnown = run && run.outcome === "complete";
  const [title, text] = isKnown ? ["nothingMissing", "nothingMissingText"] : ["unknownMissing", "unknownMissingText"];
  const words = make("p", { class: "said" }, make("span", { class: "badge" }, say(title)), " ", say(text));
  return make("header", { class: `state ${isKnown ? "good" : "some"}` }, words);
}

function gapSection(gap) {
  const isKnown = hasWords(`gap_${gap.kind}`);
  const title = isKnown ? say(`gap_${gap.kind}`) : say("gap_other", gap.kind);
  const names = gap.names ?? [];
  const count = sayCount(OF_BINDERS.includes(gap.kind) ? "binders" : "documents", gap.count, formatNumber(gap.count));
  return make(
    "section",
    { class: `state ${WAITING.includes(gap.kind) ? "cut" : "some"}` },
    make(
      "h2",
      {},
      title,
      NO_COUNT.includes(gap.kind) || gap.count === undefined ? null : make("span", { class: "counts" }, count),
    ),
    make("p", {}, say(isKnown ? `gap_${gap.kind}_text` : "gap_other_text")),
    names.length
      ? make(
          "p",
          { class: "soft" },
          `${sayCount("inBinders", names.length)} `,
          names.flatMap((name, n) => [n ? ", " : null, nameElement(name)]),
        )
      : null,
  );
}
