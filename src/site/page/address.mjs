// The part of the address after #: what the page shows. Each is stable and can be sent by mail.

const FIELDS = ["q", "b", "f", "tab", "category", "status", "type", "from", "to", "sort", "d", "in"];
const OF_LIST = FIELDS.filter((field) => field !== "d" && field !== "in");
const PAGES = ["changes", "missing"];

// A view ("home", "list", "document", "changes", "missing") and its fields. `in` is the binder in which a document was last seen.
export function parseAddress(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const page = PAGES.find((name) => given.has(name));
  if (page) return { view: page, period: given.get(page), b: given.get("b") ?? "" };
  const fields = {};
  for (const field of FIELDS) if (given.get(field)) fields[field] = given.get(field);
  const isList = OF_LIST.some((field) => given.has(field));
  return { view: isList ? "list" : fields.d ? "document" : "home", ...fields };
}

export function formatAddress(address) {
  const out = new URLSearchParams();
  if (PAGES.includes(address.view)) {
    out.set(address.view, address.period ?? "");
    if (address.b) out.set("b", address.b);
  } else {
    for (const field of FIELDS) if (address[field]) out.set(field, address[field]);
    if (address.view === "list" && !OF_LIST.some((field) => address[field])) out.set("q", "");
  }
  return `#${out.toString().replace(/^(changes|missing)=(?=&|$)/, "$1")}`;
}

// The search's own fields, without the document shown beside it.
export function listAddress(address, changes = {}) {
  const fields = Object.fromEntries(OF_LIST.filter((field) => address[field]).map((field) => [field, address[field]]));
  return { view: "list", ...fields, ...changes };
}

export function documentAddress(id, binder) {
  return { view: "document", d: id, in: binder };
}
