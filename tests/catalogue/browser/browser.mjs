// Opens catalogues over file:// in Debian's Chromium, and notes whatever goes wrong in the page.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

// Installed there by `run`.
const require = createRequire(new URL("../../../target/catalogue/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export function launch(args = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", ...args],
  });
}

export const addressOf = (folder, hash = "") =>
  `file://${folder.split("/").map(encodeURIComponent).join("/")}/index.html${hash}`;

// A page whose `wrongs` are errors, refused resources and dialogs.
export async function open(browser, folder, hash = "", options = {}) {
  const context = await browser.newContext({ locale: "sv-SE", viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const wrongs = [];
  page.on("console", (message) => message.type() === "error" && wrongs.push(message.text()));
  page.on("pageerror", (error) => wrongs.push(error.message));
  page.on("dialog", (dialog) => {
    wrongs.push(`dialog ${dialog.message()}`);
    dialog.dismiss();
  });
  // Chromium's own PDF viewer is an extension.
  page.on(
    "request",
    (request) => /^(file|chrome-extension|chrome):/.test(request.url()) || wrongs.push(`request ${request.url()}`),
  );
  await page.goto(addressOf(folder, hash));
  await page.waitForSelector("#main h1");
  return { page, wrongs, close: () => context.close() };
}

// Waits until a search has ended.
export async function searched(page) {
  await page.waitForSelector(".find[aria-busy=false]");
}

// What axe-core finds serious or critical, as "rule: element".
export async function axe(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary?.slice(0, 300)}`),
    );
}

// The files that the links among these elements lead to, each with whether it is there.
export async function linkedFiles(page, selector) {
  const links = await page.$$eval(selector, (elements) => elements.map((element) => element.href));
  return links.map((href) => [
    href,
    new URL(href).search + new URL(href).hash === "" && existsSync(fileURLToPath(href)),
  ]);
}
