// The first view: how the copy is, and its binders.

import { make } from "./element.mjs";
import { formatDayOf, formatMoment, formatNumber, formatSize } from "./format.mjs";
import { linkTo } from "./link.mjs";
import { addressLink, nameElement } from "./parts.mjs";
import { say, sayCount } from "./words.mjs";

const WEEK = 7 * 86_400_000;

// The tone and the words for the copy's state.
export function stateOf(start) {
  const finished = start.run ? start.run.finished : start.written;
  if (start.run && start.run.outcome === "complete")
    return ["good", say("complete"), say("completeText", formatMoment(start.certified ?? finished))];
  if (start.certified)
    return ["some", say("notComplete"), say("notCompleteText", formatMoment(finished), formatMoment(start.certified))];
  return ["some", say("neverComplete"), say("neverCompleteText", formatMoment(finished))];
}

export function homeView(store) {
  const { start, binders } = store;
  const [tone, title, text] = stateOf(start);
  const recent = make("li", {}, make("b", {}, "–"), make("span", {}, say("recentTile")));
  store.changes().then(
    (runs) => showRecent(recent, runs),
    () => recent.remove(),
  );
  const tile = (number, label) => make("li", {}, make("b", {}, number), make("span", {}, label));
  return make(
    "div",
    { class: "home" },
    make(
      "header",
      { class: `state ${tone}` },
      make("h1", { tabindex: -1 }, start.organisation ? nameElement(start.organisation) : say("title")),
      make("p", { class: "said" }, make("span", { class: "badge" }, title), " ", text),
      start.gaps && start.gaps.length
        ? make("p", {}, addressLink({ view: "missing" }, {}, say("whatIsMissing")))
        : null,
    ),
    make(
      "ul",
      { class: "tiles" },
      tile(formatNumber(start.documents), sayCount("documentsTile", start.documents)),
      tile(formatNumber(binders.length), sayCount("bindersTile", binders.length)),
      tile(formatSize(start.bytes), say("sizeTile")),
      start.changes ? recent : null,
    ),
    make("section", { class: "binders" }, make("h2", {}, say("home")), binderTable(store)),
  );
}

function showRecent(tile, runs) {
  const since = Date.now() - WEEK;
  const count = runs
    .filter((run) => Date.parse(run.finished) >= since)
    .reduce((sum, run) => sum + Object.values(run.counts).reduce((all, number) => all + number, 0), 0);
  tile.replaceChildren(
    make("b", {}, formatNumber(count)),
    addressLink({ view: "changes", period: "7" }, {}, sayCount("recentTile", count)),
  );
}

function binderTable(store) {
  const heads = ["binder", "documentsColumn", "size", "mirrored", "certified"].map((key, n) =>
    make("th", { scope: "col", class: n === 1 || n === 2 ? "n" : null }, say(key)),
  );
  return make(
    "table",
    { class: "cards" },
    make("thead", {}, make("tr", {}, heads)),
    make(
      "tbody",
      {},
      store.binders.map((binder) => binderRow(store, binder)),
    ),
  );
}

function binderRow(store, binder) {
  const day = (time) => (time ? make("time", { datetime: time }, formatDayOf(time)) : say("never"));
  const page = binder.page ? linkTo(store.start.folder ?? "", binder.page) : null;
  const name = nameElement(binder.name);
  const isBehind =
    binder.mirrored && (!binder.certified || Date.parse(binder.certified) < Date.parse(binder.mirrored) - 86_400_000);
  const cell = (key, value, attributes = {}) => make("td", { "data-label": say(key), ...attributes }, value);
  return make(
    "tr",
    {},
    make(
      "th",
      { scope: "row" },
      page ? make("a", { href: page }, name) : addressLink({ view: "list", b: binder.id }, {}, name),
      binder.inaccessible
        ? make("span", { class: "warn" }, say("inaccessible", formatDayOf(binder.inaccessible)))
        : null,
    ),
    cell("documentsColumn", formatNumber(binder.documents), { class: "n" }),
    cell("size", formatSize(binder.bytes), { class: "n" }),
    cell("mirrored", day(binder.mirrored)),
    cell("certified", day(binder.certified), { class: isBehind ? "behind" : null }),
  );
}
