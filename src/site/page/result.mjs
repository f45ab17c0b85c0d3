// A row of the list.

import { listAddress, formatAddress } from "./address.mjs";
import { make } from "./element.mjs";
import { formatDay, formatSize, visible } from "./format.mjs";
import { filePath, kindTag, nameElement, treeLink } from "./parts.mjs";
import { say } from "./words.mjs";

export function resultRow(store, row, address, words) {
  const isChosen = address.d === row.id;
  const name = make(
    "a",
    {
      class: "name",
      href: resultAddress(row, address),
      "data-id": row.id,
      "aria-current": isChosen ? "true" : null,
      title: visible(row.name),
    },
    nameElement(row.name, words),
  );
  const place = [address.b ? null : store.binder(row.binder)?.name, row.folder.split("/").join(" › ")]
    .filter(Boolean)
    .join(" › ");
  return [
    kindTag(row.name),
    make("span", { class: "what" }, name, make("span", { class: "where" }, nameElement(place, words))),
    make("span", { class: "when" }, formatDay(row.modified)),
    make("span", { class: "size" }, formatSize(row.size)),
    treeLink(
      store,
      filePath(store, row),
      { class: "open", "aria-label": say("openFileNamed", visible(row.name)) },
      say("open"),
    ),
  ];
}

// The document beside the same list.
export function resultAddress(row, address) {
  return formatAddress({ ...listAddress(address), d: row.id });
}
