// The folder tree of a binder, beside the list.

import { listAddress } from "./address.mjs";
import { fillElement, make } from "./element.mjs";
import { formatNumber, visible } from "./format.mjs";
import { addressLink, nameElement } from "./parts.mjs";
import { folderTree } from "./tree.mjs";
import { say } from "./words.mjs";

const trees = new Map();
// Folders that are open, by binder and path.
const opened = new Set();

// Fills in when all of the binder's data was read; keeps the trees of binders that were seen.
export function folderPanel(store, search, address) {
  const panel = make("section", { class: "facet tree" }, make("h3", {}, say("folder")));
  const body = make("div", {}, make("p", { class: "soft" }, say("countingFolders")));
  panel.append(body);
  const show = (tree) => fillElement(body, tree.children.length ? drawTree(tree, address) : null);
  if (trees.has(address.b)) {
    show(trees.get(address.b));
    return panel;
  }
  search
    .folders(address.b, () => panel.isConnected)
    .then(
      (counts) => {
        if (!counts) return;
        trees.set(address.b, folderTree(counts));
        show(trees.get(address.b));
      },
      () => body.remove(),
    );
  return panel;
}

function drawTree(tree, address) {
  const all = folderLink(say("allFolders"), "", tree.documents, address);
  return make(
    "ul",
    {},
    make("li", { class: "leaf" }, all),
    tree.children.map((node) => drawFolder(node, address)),
  );
}

function folderLink(name, path, documents, address) {
  const isChosen = (address.f ?? "") === path;
  return make(
    "span",
    { class: "folder" },
    addressLink(
      listAddress(address, { f: path }),
      { "aria-current": isChosen ? "true" : null, "data-choice": `f ${path}` },
      path ? nameElement(name) : name,
    ),
    make("span", { class: "counts" }, formatNumber(documents)),
  );
}

// What is inside is made when it is first opened.
function drawFolder(node, address) {
  const link = folderLink(node.name, node.path, node.documents, address);
  if (!node.children.length) return make("li", { class: "leaf" }, link);
  const key = `${address.b} ${node.path}`;
  const inside = make("ul");
  const button = make("button", {
    type: "button",
    class: "twist",
    "aria-label": say("foldersIn", visible(node.name)),
    onclick: () => {
      if (!opened.delete(key)) opened.add(key);
      show();
    },
  });
  const show = () => {
    const isOpen = opened.has(key);
    button.setAttribute("aria-expanded", String(isOpen));
    inside.hidden = !isOpen;
    if (isOpen && !inside.childElementCount)
      fillElement(
        inside,
        node.children.map((child) => drawFolder(child, address)),
      );
  };
  if ((address.f ?? "").startsWith(`${node.path}/`) || address.f === node.path) opened.add(key);
  show();
  return make("li", {}, button, link, inside);
}
