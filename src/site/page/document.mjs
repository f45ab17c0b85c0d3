// All about one document: on a page of its own, or beside the list.

import { documentAddress, formatAddress } from "./address.mjs";
import { copyText, make } from "./element.mjs";
import { formatBytes, formatDay, formatDayOf, formatSize } from "./format.mjs";
import { facetLabel } from "./filters.mjs";
import { mayRun } from "./kind.mjs";
import { addressLink, filePath, folderPath, kindTag, nameElement, placeLinks, treeLink } from "./parts.mjs";
import { previewPanel } from "./preview.mjs";
import { documentOf } from "./shard.mjs";
import { versionsPanel } from "./versions.mjs";
import { say } from "./words.mjs";

// A time as iBinder writes it in metadata.
const TIME = /^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

// `closing` is the link that closes the panel beside the list; null on a page of its own.
export function documentView(store, shard, at, closing) {
  const row = documentOf(shard, at);
  const preview = previewPanel(store, row);
  const facts = [
    make("section", { class: "about" }, make("h2", {}, say("about")), factList(store, row)),
    versionsPanel(store, row),
  ];
  return make(
    "article",
    { class: closing ? "document beside" : "document", "data-id": row.id },
    make(
      "header",
      { class: "head" },
      make(
        "div",
        { class: "title" },
        kindTag(row.name),
        make(closing ? "h2" : "h1", { tabindex: -1 }, nameElement(row.name)),
        closing,
      ),
      placeLinks(store, row),
      actions(store, row, closing),
      mayRun(row.name) ? make("p", { class: "warn" }, say("runs")) : null,
    ),
    make("div", { class: preview ? "parts" : "parts alone" }, preview, make("div", { class: "facts" }, facts)),
  );
}

function actions(store, row, closing) {
  const path = filePath(store, row);
  const own = formatAddress(documentAddress(row.id, row.binder));
  const copy = make(
    "button",
    {
      type: "button",
      onclick: () => copyText(new URL(own, location.href).href, copy, say("copied"), say("copyFailed")),
    },
    say("copyLink"),
  );
  const file = treeLink(store, path, { class: "button main" }, say("openFile"));
  return make(
    "p",
    { class: "actions" },
    file ?? make("span", { class: "warn" }, say("noLink")),
    treeLink(store, folderPath(store, row), { class: "button" }, say("openFolder")),
    copy,
    closing ? addressLink(documentAddress(row.id, row.binder), { class: "button" }, say("ownPage")) : null,
  );
}

function factList(store, row) {
  const facts = [];
  const add = (label, value) =>
    value &&
    facts.push(
      make(
        "div",
        {},
        make("dt", {}, nameElement(label)),
        make("dd", {}, typeof value === "string" ? nameElement(value) : value),
      ),
    );
  add(say("nameInIbinder"), row.title);
  for (const facet of ["tab", "category", "status"]) add(facetLabel(store, { b: row.binder }, facet), row[facet]);
  for (const [label, value] of row.metadata)
    add(label, TIME.test(value) ? make("time", { datetime: value, title: value }, formatDayOf(value)) : value);
  add(say("modified"), formatDay(row.modified));
  add(say("size"), row.size < 1000 ? formatBytes(row.size) : `${formatSize(row.size)} (${formatBytes(row.size)})`);
  add(say("identity"), make("code", {}, row.id));
  return make("dl", {}, facts);
}
