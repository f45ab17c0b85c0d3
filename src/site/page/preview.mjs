// Shows PDF files and pictures; nothing that could run.

import { fillElement, make } from "./element.mjs";
import { formatSize, visible } from "./format.mjs";
import { previewOf } from "./kind.mjs";
import { linkTo } from "./link.mjs";
import { filePath } from "./parts.mjs";
import { say } from "./words.mjs";

// Larger files are shown when the reader asks.
const LARGE = 30_000_000;

export function previewPanel(store, row) {
  const how = previewOf(row.name);
  const href = linkTo(store.start.folder ?? "", filePath(store, row));
  if (!how || !href) return null;
  const panel = make("section", { class: "preview", "aria-label": say("preview") });
  const show = () => fillElement(panel, how === "pdf" ? pdfElement(href, row) : imageElement(href, row, panel));
  if (row.size <= LARGE) show();
  else panel.append(make("button", { type: "button", onclick: show }, say("largePreview", formatSize(row.size))));
  return panel;
}

const none = () => make("p", { class: "soft" }, say("noPreview"));

// What stands after # tells the viewer to leave its side panel closed.
function pdfElement(href, row) {
  return make(
    "object",
    { type: "application/pdf", data: `${href}#navpanes=0&view=FitH`, "aria-label": visible(row.name) },
    none(),
  );
}

function imageElement(href, row, panel) {
  return make("img", { src: href, alt: visible(row.name), onerror: () => fillElement(panel, none()) });
}
