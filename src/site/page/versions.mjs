// A document's versions, and how to get one back.

import { copyText, fillElement, make } from "./element.mjs";
import { formatDay, formatSize, shellQuoted } from "./format.mjs";
import { say } from "./words.mjs";

// The folder of the mirror: the one that the settings name, or this page's own where it lies on the reader's disk.
export function mirrorFolder(start, location) {
  if (start.destination) return start.destination;
  if (location.protocol !== "file:" || location.host || /^\/[A-Za-z]:/.test(location.pathname)) return say("theMirror");
  try {
    return decodeURIComponent(new URL(start.folder || ".", location.href).pathname).replace(/(.)\/$/, "$1");
  } catch {
    return say("theMirror");
  }
}

export function restoreCommand(folder, version) {
  return `ibinder-sync restore --dest ${shellQuoted(folder)} --version ${shellQuoted(version)} --to ${shellQuoted(say("getBackFolder"))}`;
}

export function versionsPanel(store, row) {
  const body = make("div", {}, make("p", { class: "soft" }, say("loading")));
  store.versions(row).then(
    (versions) => {
      if (!versions || !versions.length) fillElement(body, make("p", { class: "soft" }, say("noVersions")));
      else fillElement(body, versionTable(store, versions));
    },
    () => fillElement(body, make("p", { class: "soft" }, say("noVersions"))),
  );
  return make("section", { class: "versions" }, make("h2", {}, say("versions")), body);
}

function versionTable(store, versions) {
  const box = make("div", { class: "command", role: "status" });
  const heads = ["seen", "size", "held", "fingerprint"].map((key) => make("th", { scope: "col" }, say(key)));
  const rows = versions.map(([seen, size, sha256, held, version], at) => {
    const get = () =>
      showCommand(box, restoreCommand(mirrorFolder(store.start, window.location), version), formatDay(seen));
    const button =
      at > 0 && held
        ? make(
            "button",
            { type: "button", onclick: get, "aria-label": `${say("getBack")}: ${formatDay(seen)}` },
            say("getBack"),
          )
        : null;
    const cell = (key, attributes, ...content) => make("td", { "data-label": say(key), ...attributes }, ...content);
    return make(
      "tr",
      {},
      cell("seen", {}, formatDay(seen)),
      cell("size", { class: "n" }, formatSize(size)),
      cell("held", {}, at === 0 ? say("current") : say(held ? "yes" : "no"), button ? " " : null, button),
      cell(
        "fingerprint",
        {},
        make("code", { title: sha256 }, sha256.slice(0, 12), make("span", { class: "rest" }, sha256.slice(12))),
      ),
    );
  });
  const only = versions.length === 1 ? make("p", { class: "soft" }, say("onlyVersion")) : null;
  return [
    make("table", { class: "cards" }, make("thead", {}, make("tr", {}, heads)), make("tbody", {}, rows)),
    only,
    box,
  ];
}

function showCommand(box, command, day) {
  const button = make(
    "button",
    { type: "button", onclick: () => copyText(command, button, say("copied"), say("copyFailed")) },
    say("copy"),
  );
  fillElement(
    box,
    make("h3", {}, `${say("getBackTitle")} (${day})`),
    make("p", {}, say("getBackHelp")),
    make("p", { class: "line" }, make("code", { tabindex: 0 }, command)),
    button,
  );
}
