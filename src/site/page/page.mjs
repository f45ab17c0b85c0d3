// The page: its header, its languages, and which view is shown.

import { formatAddress, listAddress, parseAddress } from "./address.mjs";
import { changesView } from "./changes.mjs";
import { documentView } from "./document.mjs";
import { fillElement, make } from "./element.mjs";
import { formatMoment, formatNumber } from "./format.mjs";
import { homeView } from "./home.mjs";
import { createListView } from "./list.mjs";
import { missingView } from "./missing.mjs";
import { addressLink, showMessage } from "./parts.mjs";
import { createSearch } from "./search.mjs";
import { createStore, receiveScripts } from "./store.mjs";
import { chooseLanguage, currentLanguage, LANGUAGES, say, useLanguage } from "./words.mjs";

const FORMAT = 1;
const KEPT = "ibinder-sync.language";

receiveScripts();
const store = createStore();
const search = createSearch(store);
const top = document.getElementById("top");
const main = document.getElementById("main");
const foot = document.getElementById("foot");
const searchField = make("input", {
  id: "search",
  type: "search",
  autocomplete: "off",
  spellcheck: "false",
  enterkeyhint: "search",
});
let list = null;
let address = parseAddress(location.hash);
let isTyping = false;

function keptLanguage() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function chooseAndKeep(code) {
  useLanguage(code);
  try {
    localStorage.setItem(KEPT, code);
  } catch {
    // Some browsers keep nothing for files.
  }
  list = null;
  drawHeader();
  if (store.start) showView();
}

function drawHeader() {
  document.documentElement.lang = currentLanguage();
  searchField.placeholder = say("searchHint");
  searchField.setAttribute("aria-label", say("search"));
  const gaps = store.start?.gaps?.length ?? 0;
  const tab = (view, text) => make("li", {}, addressLink({ view }, { "data-view": view }, text));
  const isWithChanges = !store.start || store.start.changes;
  const isSearchable = !store.start || store.places.length > 0;
  const codes = Object.keys(LANGUAGES).map((code) =>
    make(
      "button",
      {
        type: "button",
        lang: code,
        "aria-pressed": String(code === currentLanguage()),
        title: code === "sv" ? "Svenska" : "English",
        onclick: () => chooseAndKeep(code),
      },
      code.toUpperCase(),
    ),
  );
  fillElement(
    top,
    make("a", { class: "skip", href: "#main", onclick: skip }, say("skip")),
    make(
      "nav",
      { "aria-label": say("title") },
      make(
        "ul",
        {},
        tab("home", say("home")),
        isWithChanges ? tab("changes", say("changes")) : null,
        tab("missing", gaps ? say("missingCount", formatNumber(gaps)) : say("missing")),
      ),
    ),
    isSearchable
      ? make("div", { role: "search", class: "search" }, searchField)
      : make("p", { class: "soft search" }, say("binderPages")),
    make("div", { class: "languages", role: "group", "aria-label": say("language") }, codes),
  );
  markView();
  if (store.start) fillElement(foot, say("footer", store.start.generator, formatMoment(store.start.written)));
}

function markView() {
  for (const link of top.querySelectorAll("[data-view]")) {
    if (link.dataset.view === address.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function skip(event) {
  event.preventDefault();
  main.querySelector("h1")?.focus();
}

function showView() {
  if (address.view === "list") {
    const isNew = !list || !list.element.isConnected;
    list = list ?? createListView(store, search);
    if (isNew) fillElement(main, list.element);
    list.show(address);
  } else {
    search.cancel();
    list = null;
    if (address.view === "document") showDocument(address);
    else
      fillElement(main, { home: homeView, changes: changesView, missing: missingView }[address.view](store, address));
  }
  const heading = main.querySelector("h1")?.textContent;
  document.title = [heading, store.start.organisation ?? say("title")].filter(Boolean).join(" – ");
}

async function showDocument(wanted) {
  const isWanted = () => address === wanted;
  const progress = make("p", { role: "status" }, say("loading"));
  fillElement(main, make("section", {}, progress));
  const report = (searched, all) => {
    progress.textContent = say("findingDocument", formatNumber(searched), formatNumber(all));
  };
  const found = await search.find(wanted.d, wanted.in, isWanted, report).catch(() => false);
  if (found === undefined) return;
  const none = () =>
    found === false ? showMessage(say("noData"), say("noDataHelp")) : showMessage(say("notFound"), say("notFoundHelp"));
  fillElement(main, found ? documentView(store, found.shard, found.at, null) : none());
  document.title = [main.querySelector("h1").textContent, store.start.organisation ?? say("title")].join(" – ");
}

function onAddress() {
  const before = address;
  address = parseAddress(location.hash);
  if (!isTyping) searchField.value = address.q ?? "";
  markView();
  if (!store.start) return;
  showView();
  if (isTyping) return;
  const isSameList = before.view === "list" && address.view === "list";
  if (isSameList && before.d && !address.d) list.focusRow(before.d);
  if (!isSameList) {
    window.scrollTo(0, 0);
    main.querySelector("h1")?.focus({ preventScroll: true });
  }
}

// The first letter is a step that one can go back from; the others replace it.
function onInput() {
  const q = searchField.value;
  const isRefined = address.view === "list" && Boolean(address.q);
  const next =
    address.view === "list" ? listAddress(address, { q, sort: address.q ? address.sort : "" }) : { view: "list", q };
  const hash = q || next.b || next.f ? formatAddress(next) : formatAddress({ view: "home" });
  isTyping = true;
  if (isRefined) history.replaceState(null, "", hash);
  else history.pushState(null, "", hash);
  onAddress();
  isTyping = false;
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isInField = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "/" && !isInField) {
    event.preventDefault();
    searchField.focus();
    searchField.select();
  } else if (event.target === searchField && (event.key === "ArrowDown" || event.key === "Enter")) {
    event.preventDefault();
    list?.focusFirst();
  } else if (event.key === "Escape" && address.view === "list" && address.d) {
    location.hash = formatAddress(listAddress(address));
  } else if (event.key === "Escape" && list?.element.contains(document.activeElement)) {
    searchField.focus();
  }
}

async function openPage() {
  useLanguage(keptLanguage() ?? chooseLanguage(navigator.languages ?? [navigator.language]));
  searchField.value = address.q ?? "";
  searchField.addEventListener("input", onInput);
  window.addEventListener("hashchange", onAddress);
  document.addEventListener("keydown", onKey);
  drawHeader();
  fillElement(main, make("p", { class: "soft", role: "status" }, say("loading")));
  try {
    await store.open();
  } catch {
    fillElement(main, showMessage(say("noData"), say("noDataHelp")));
    return;
  }
  if (store.start.format !== FORMAT) {
    fillElement(main, showMessage(say("noData"), say("newFormat")));
    return;
  }
  drawHeader();
  showView();
  if (address.view === "home" && !matchMedia("(pointer: coarse)").matches) searchField.focus();
  warmUp();
}

// Small catalogues are read before somebody searches.
async function warmUp() {
  const SMALL = 200_000;
  if (store.start.documents > SMALL) return;
  for (const place of store.placesOf("")) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    try {
      await search.prepare(place);
    } catch {
      return;
    }
  }
}

openPage();
