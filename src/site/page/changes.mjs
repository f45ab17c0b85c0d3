// What the last runs changed.

import { documentAddress, formatAddress } from "./address.mjs";
import { fillElement, make } from "./element.mjs";
import { formatMoment, formatNumber, formatSize } from "./format.mjs";
import { addressLink, kindTag, nameElement } from "./parts.mjs";
import { say, sayCount } from "./words.mjs";

const DAY = 86_400_000;
const LAST_RUNS = 5;
const SHOWN = 100;
const KINDS_OF_CHANGE = ["added", "updated", "moved", "removed"];

// The runs of a period ("" for the latest, or a number of days) that changed something in a binder, or in any.
export function chosenRuns(runs, period, binder, now) {
  const since = period ? now - Number(period) * DAY : -Infinity;
  const chosen = runs
    .filter((run) => Date.parse(run.finished) >= since)
    .map((run) => {
      if (!binder) return run;
      const items = run.items.filter((item) => item[5] === binder);
      const counts = {};
      for (const [kind] of items) counts[kind] = (counts[kind] ?? 0) + 1;
      return { ...run, items, counts };
    })
    .filter((run) => Object.keys(run.counts).length);
  return period ? chosen : chosen.slice(0, LAST_RUNS);
}

export function changesView(store, address) {
  const body = make("div", {}, make("p", { class: "soft" }, say("loading")));
  const period = ["7", "31"].includes(address.period) ? address.period : "";
  store.changes().then(
    (runs) => {
      const chosen = chosenRuns(runs, period, address.b, Date.now());
      fillElement(
        body,
        chosen.length
          ? chosen.map((run) => runSection(store, run))
          : make("section", {}, make("p", {}, say("noChanges"))),
      );
    },
    () => fillElement(body, make("section", {}, make("p", {}, say("unreadable")))),
  );
  const periods = [
    ["", "lastRuns"],
    ["7", "lastWeek"],
    ["31", "lastMonth"],
  ].map(([value, key]) =>
    make(
      "li",
      {},
      addressLink({ ...address, period: value }, { "aria-current": value === period ? "true" : null }, say(key)),
    ),
  );
  return make(
    "div",
    { class: "changes" },
    make("h1", { tabindex: -1 }, say("changesTitle")),
    make(
      "div",
      { class: "bar" },
      make("ul", { class: "tabs", "aria-label": say("period") }, periods),
      binderChoice(store, address),
    ),
    body,
  );
}

function binderChoice(store, address) {
  if (store.binders.length < 2) return null;
  const option = (value, text) => make("option", { value, selected: value === address.b }, text);
  return make(
    "select",
    {
      "aria-label": say("binder"),
      onchange: (event) => (location.hash = formatAddress({ ...address, b: event.target.value })),
    },
    option("", say("allBinders")),
    store.binders.map((binder) => option(binder.id, binder.name)),
  );
}

function runSection(store, run) {
  const counts = KINDS_OF_CHANGE.map((kind) => {
    const count = run.counts[kind];
    if (!count) return null;
    return make("span", { class: `k ${kind}` }, sayCount(`${kind}Count`, count, formatNumber(count)));
  });
  const isRemovedHidden = run.counts.removed && !run.items.some((item) => item[0] === "removed");
  const list = make(
    "ul",
    { class: "docs" },
    run.items.slice(0, SHOWN).map((item) => changeRow(store, item)),
  );
  const showRest = () => {
    list.append(...run.items.slice(SHOWN).map((item) => changeRow(store, item)));
    more.remove();
  };
  const more =
    run.items.length > SHOWN
      ? make("button", { type: "button", onclick: showRest }, say("showAll", formatNumber(run.items.length)))
      : null;
  return make(
    "section",
    {},
    make("h2", {}, make("time", { datetime: run.finished }, formatMoment(run.finished))),
    make("p", { class: "kinds" }, counts),
    list,
    more,
    isRemovedHidden ? make("p", { class: "soft" }, say("removedNames")) : null,
  );
}

function changeRow(store, [kind, id, path, from, size, binder]) {
  const [folder, name] = partPath(path);
  const shown = nameElement(name);
  return make(
    "li",
    { class: "c" },
    make("span", { class: `k ${kind}` }, KINDS_OF_CHANGE.includes(kind) ? say(kind) : kind),
    make(
      "span",
      {},
      kindTag(path),
      " ",
      kind === "removed" ? make("span", { class: "gone" }, shown) : addressLink(documentAddress(id, binder), {}, shown),
      make("span", { class: "from" }, nameElement(steps(folder))),
      from ? make("span", { class: "from" }, nameElement(say("movedFrom", formerPlace(from, folder, name)))) : null,
    ),
    make("span", { class: "size" }, formatSize(size)),
  );
}

function partPath(path) {
  const at = path.lastIndexOf("/");
  return [path.slice(0, Math.max(at, 0)), path.slice(at + 1)];
}

const steps = (path) => path.split("/").join(" › ");

// Only what is another one: the name, the folder, or both.
export function formerPlace(from, folder, name) {
  const [oldFolder, oldName] = partPath(from);
  if (oldFolder === folder) return oldName;
  return steps(oldName === name ? oldFolder : from);
}
