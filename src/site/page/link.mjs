// Links from the page to files and folders of the tree.

// The relative address of a path, or null for a path that would lead elsewhere.
export function linkTo(prefix, path) {
  const segments = path.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) return null;
  return `./${prefix}${segments.map(encodeSegment).join("/")}`;
}

function encodeSegment(segment) {
  // A lone surrogate can't be encoded.
  const whole = segment.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
  return encodeURIComponent(whole).replace(/'/g, "%27");
}

export function joinPath(...parts) {
  return parts.filter(Boolean).join("/");
}
