// The folders of a binder as a tree.

import { compareNames } from "./hits.mjs";

// Counts of paths become nodes { name, path, documents, children }, which count what is below them, too.
export function folderTree(counts) {
  const root = { name: "", path: "", documents: 0, children: new Map() };
  for (const [path, count] of counts) {
    let node = root;
    node.documents += count.documents;
    const names = path ? path.split("/") : [];
    names.forEach((name, depth) => {
      if (!node.children.has(name)) {
        node.children.set(name, { name, path: names.slice(0, depth + 1).join("/"), documents: 0, children: new Map() });
      }
      node = node.children.get(name);
      node.documents += count.documents;
    });
  }
  return sorted(root);
}

function sorted(node) {
  const children = [...node.children.values()].sort((a, b) => compareNames(a.name, b.name));
  return { ...node, children: children.map(sorted) };
}
