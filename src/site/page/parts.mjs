// Small parts that several views share.

import { formatAddress } from "./address.mjs";
import { make } from "./element.mjs";
import { matchedRanges } from "./fold.mjs";
import { visible } from "./format.mjs";
import { endingOf, kindOf } from "./kind.mjs";
import { joinPath, linkTo } from "./link.mjs";

// A name that came from outside: shown as it is, never mixed with the text around it.
export function nameElement(text, words = []) {
  const element = make("bdi");
  let at = 0;
  for (const [start, end] of words.length ? matchedRanges(text, words) : []) {
    element.append(visible(text.slice(at, start)), make("mark", {}, visible(text.slice(start, end))));
    at = end;
  }
  element.append(visible(text.slice(at)));
  return element;
}

export function addressLink(address, attributes, ...children) {
  return make("a", { href: formatAddress(address), ...attributes }, ...children);
}

export function kindTag(name) {
  const ending = endingOf(name);
  return make(
    "span",
    { class: `kind ${kindOf(name)}`, "aria-hidden": "true" },
    visible(ending.slice(0, 4).toUpperCase()) || "–",
  );
}

// The file of a row, relative to the tree's root.
export function filePath(store, row) {
  return joinPath(folderPath(store, row), row.name);
}

// Its folder. One that begins with / is not in the binder's own folder, for a file that waits to be moved.
export function folderPath(store, row) {
  return row.folder.startsWith("/") ? row.folder.slice(1) : joinPath(store.binder(row.binder)?.path, row.folder);
}

// A link to a file or folder of the tree; plain text if its name can't be a link.
export function treeLink(store, path, attributes, ...children) {
  const href = linkTo(store.start.folder ?? "", path);
  return href ? make("a", { href, target: "_blank", rel: "noopener noreferrer", ...attributes }, ...children) : null;
}

// Where a document is: its binder and folders, each a link to that part of the list.
export function placeLinks(store, row) {
  const binder = store.binder(row.binder);
  const steps = [[binder?.name ?? row.binder, { view: "list", b: row.binder }]];
  const names = row.folder && !row.folder.startsWith("/") ? row.folder.split("/") : [];
  names.forEach((name, depth) =>
    steps.push([name, { view: "list", b: row.binder, f: names.slice(0, depth + 1).join("/") }]),
  );
  return make(
    "span",
    { class: "place" },
    steps.flatMap(([name, address], n) => [n ? " › " : null, addressLink(address, {}, nameElement(name))]),
  );
}

export function showMessage(title, text, ...more) {
  return make("section", { class: "message" }, make("h1", { tabindex: -1 }, title), make("p", {}, text), ...more);
}
