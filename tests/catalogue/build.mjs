// Builds index.html as the program does: the modules of order.txt, without their imports and `export`, as one classic
// script inside the page.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const PAGE = fileURLToPath(new URL("../../src/site/page/", import.meta.url));

export function modules() {
  return readFileSync(`${PAGE}order.txt`, "utf8")
    .split("\n")
    .filter((line) => line.trim());
}

export function script() {
  const lines = modules().flatMap((name) => readFileSync(PAGE + name, "utf8").split("\n"));
  const plain = lines.filter((line) => !line.startsWith("import ")).map((line) => line.replace(/^export /, ""));
  return `(() => {\n"use strict";\n${plain.join("\n")}\n})();\n`;
}

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

export function builtPage() {
  const style = readFileSync(`${PAGE}style.css`, "utf8");
  const parts = { style, script: script(), "style-hash": hash(style), "script-hash": hash(script()) };
  return readFileSync(`${PAGE}page.html`, "utf8").replace(/\{\{([a-z-]+)\}\}/g, (_, name) => parts[name]);
}
