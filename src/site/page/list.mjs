// The list of documents that a search or filter finds, with the filters on one side and a document on the other.

import { formatAddress, listAddress } from "./address.mjs";
import { documentView } from "./document.mjs";
import { fillElement, make } from "./element.mjs";
import { chosenFilters, dateFilter, filterGroups } from "./filters.mjs";
import { folderPanel } from "./folders.mjs";
import { findWord, foldBases, foldLetters } from "./fold.mjs";
import { formatNumber, formatSize, visible } from "./format.mjs";
import { ORDERS } from "./hits.mjs";
import { addressLink, nameElement } from "./parts.mjs";
import { questionOf } from "./question.mjs";
import { resultRow } from "./result.mjs";
import { createRows } from "./rows.mjs";
import { say, sayCount } from "./words.mjs";

// Wide enough for filters beside the list.
const WIDE = "(min-width: 60rem)";
const FEW_BINDERS = 8;

export function createListView(store, search) {
  let address = {};
  let answer = null;
  let question = null;
  let left = 0;
  const title = make("h1", { tabindex: -1 });
  const matching = make("div");
  const chips = make("div");
  const status = make("p", { class: "count", role: "status" });
  const progress = make("progress", { hidden: true });
  const far = make("p", { class: "soft far" });
  const notes = make("div", { class: "notes" });
  const order = make(
    "select",
    { onchange: () => (location.hash = formatAddress(listAddress(address, { sort: order.value }))) },
    ORDERS.map((name) => make("option", { value: name }, say(name))),
  );
  const groups = make("div");
  const tree = make("div");
  const dates = dateFilter(() => address);
  const side = make("details", { class: "side" }, make("summary", {}, say("filters")), tree, groups, dates.element);
  const rows = createRows(say("results"), (row) => resultRow(store, row, address, question.words));
  const beside = make("div", { class: "panel" });
  const element = make(
    "div",
    { class: "find" },
    side,
    make(
      "div",
      { class: "middle" },
      title,
      matching,
      chips,
      make(
        "div",
        { class: "bar" },
        status,
        make("label", {}, make("span", { class: "soft" }, say("sort")), " ", order),
      ),
      progress,
      far,
      rows.element,
      notes,
    ),
    beside,
  );
  side.open = window.matchMedia(WIDE).matches;

  const drawFilters = () => {
    const chosen = document.activeElement?.dataset.choice;
    fillElement(groups, filterGroups(store, address, answer, drawFilters));
    // The same choice keeps the focus.
    if (chosen) element.querySelector(`[data-choice="${CSS.escape(chosen)}"]`)?.focus({ preventScroll: true });
  };
  const report = (next) => {
    answer = next;
    const { hits, done, searched } = answer;
    const all = (address.b ? store.binder(address.b)?.documents : store.start.documents) ?? 0;
    status.textContent =
      sayCount(address.q ? "hits" : "documents", hits.total, formatNumber(hits.total)) +
      (hits.total ? ` · ${formatSize(hits.bytes)}` : "");
    element.setAttribute("aria-busy", String(!done));
    progress.hidden = done;
    progress.max = Math.max(all, 1);
    progress.value = searched;
    far.textContent = done ? "" : say("searching", formatNumber(searched), formatNumber(all));
    progress.setAttribute("aria-label", far.textContent);
    rows.set(hits.rows());
    fillElement(notes, noteLines(answer, address));
    drawFilters();
  };
  const showDocument = async () => {
    element.classList.toggle("open", Boolean(address.d));
    for (const link of rows.element.querySelectorAll("a[data-id]")) {
      if (link.dataset.id === address.d) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    const wanted = address.d;
    if (!wanted) fillElement(beside);
    if (!wanted || beside.querySelector(".document")?.dataset.id === wanted) return;
    const known = answer?.hits.rows().find((row) => row.id === wanted);
    const found = await search.find(
      wanted,
      known ? known.binder : address.b,
      () => address.d === wanted,
      () => {},
    );
    if (found === undefined) return;
    const close = addressLink(
      listAddress(address),
      { class: "close", "aria-label": say("close"), title: say("close") },
      "×",
    );
    const back = addressLink(listAddress(address), { class: "back" }, "← ", say("back"));
    fillElement(
      beside,
      back,
      found
        ? documentView(store, found.shard, found.at, close)
        : make("section", {}, make("p", {}, say("notFound")), close),
    );
    const isOver = getComputedStyle(beside).position !== "sticky";
    if (isOver || document.activeElement?.dataset.id === wanted)
      beside.querySelector("h2")?.focus({ preventScroll: true });
    if (isOver) window.scrollTo(0, 0);
  };
  return {
    element,
    focusFirst: () => rows.focusFirst(),
    // Back from the document to its row.
    focusRow: (id) => rows.element.querySelector(`a[data-id="${CSS.escape(id)}"]`)?.focus({ preventScroll: true }),
    // Searches again only if the question has changed.
    async show(next) {
      const before = address;
      address = next;
      if (address.d && !before.d) left = window.scrollY;
      if (question === null || formatAddress(listAddress(before)) !== formatAddress(listAddress(next))) {
        question = questionOf(address);
        order.value = ORDERS.includes(address.sort) ? address.sort : address.q ? "best" : "place";
        title.replaceChildren(titleOf(store, address));
        fillElement(matching, matchingBinders(store, address, question.words));
        fillElement(chips, chosenFilters(store, address));
        fillElement(tree, address.b && store.placesOf(address.b).length ? folderPanel(store, search, address) : null);
        dates.update();
        element.setAttribute("aria-busy", "true");
        search.run(question, order.value, report);
      }
      const shown = showDocument();
      // Back to where the list was left.
      if (before.d && !address.d) {
        window.scrollTo(0, left);
        rows.redraw();
      }
      await shown;
    },
  };
}

function titleOf(store, address) {
  if (address.q) return say("hitsTitle", visible(address.q));
  return address.b ? nameElement(store.binder(address.b)?.name ?? address.b) : say("everything");
}

// Binders whose own name matches.
function matchingBinders(store, address, words) {
  if (!words.length || address.b) return null;
  const matches = store.binders.filter((binder) => {
    const letters = foldLetters(binder.name);
    return words.every((word) => findWord(letters, foldBases(letters), word) >= 0);
  });
  if (!matches.length || matches.length > FEW_BINDERS) return null;
  const links = matches.flatMap((binder, n) => [
    n ? ", " : " ",
    addressLink({ view: "list", b: binder.id }, {}, nameElement(binder.name)),
  ]);
  return make("p", { class: "matching" }, say("matchingBinders"), links);
}

function noteLines(answer, address) {
  const { hits, done, unreadable } = answer;
  const kept = hits.rows().length;
  const lines = [];
  if (done && !hits.total) {
    lines.push(
      make(
        "section",
        { class: "message" },
        make("h2", {}, say("noHits")),
        make("p", {}, say("noHitsHelp")),
        make("p", {}, addressLink({ view: "list", q: address.q ?? "" }, {}, say("clearAll"))),
      ),
    );
  }
  if (kept < hits.total) lines.push(make("p", { class: "soft" }, say("firstOnly", formatNumber(kept))));
  if (unreadable) lines.push(make("p", { class: "warn" }, say("unreadable")));
  return lines;
}
