// Measures a catalogue in Chromium: node tests/catalogue/measure.mjs FOLDER, after generate.mjs and `run`.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { addressOf, launch } from "./browser/browser.mjs";

const folder = process.argv[2];
const browser = await launch(["--enable-precise-memory-info", "--js-flags=--expose-gc"]);
const say = (what, value) => console.log(`${what.padEnd(58)} ${value}`);
const ms = (time) => `${Math.round(time)} ms`;

// In the page: when something was first seen, and how long the page was busy at a stretch.
function watch() {
  window.seen = {};
  window.tasks = [];
  const note = (name) => (window.seen[name] = window.seen[name] ?? performance.now());
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => window.tasks.push(entry.duration))).observe({
    type: "longtask",
    buffered: true,
  });
  const isVisible = (selector) => document.querySelector(selector)?.getClientRects().length > 0;
  const look = () => {
    if (isVisible(".binders tbody tr")) note("binders");
    if (isVisible(".rows > li")) note("rows");
    if (isVisible(".tree .twist")) note("tree");
    if (isVisible(".find[aria-busy=false]")) note("done");
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  // The time of the last letter, and of the first answer to it.
  window.addEventListener(
    "input",
    () => {
      window.typed = performance.now();
      window.answered = null;
      window.answeredAll = null;
      requestAnimationFrame(() => setTimeout(() => (window.echoed = performance.now() - window.typed)));
    },
    true,
  );
  new MutationObserver((changes) => {
    if (window.typed && changes.some(({ target }) => target.closest?.(".count"))) {
      const typed = window.typed;
      requestAnimationFrame(() =>
        setTimeout(() => {
          if (typed !== window.typed) return;
          const isDone = Boolean(document.querySelector(".find[aria-busy=false]"));
          window.answered = window.answered ?? performance.now() - typed;
          if (isDone) window.answeredAll = window.answeredAll ?? performance.now() - typed;
        }),
      );
    }
  }).observe(document, { childList: true, subtree: true, characterData: true });
}

async function open(hash = "") {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, locale: "sv-SE" });
  await page.addInitScript(watch);
  await page.goto(addressOf(folder, hash));
  return page;
}

const heap = (page) =>
  page.evaluate(() => {
    window.gc();
    return performance.memory.usedJSHeapSize / 1e6;
  });
const longest = (page) => page.evaluate(() => Math.max(0, ...window.tasks.splice(0)));
const seen = async (page, name) => {
  await page.waitForFunction((wanted) => window.seen[wanted], name, { timeout: 120_000, polling: 50 });
  return page.evaluate((wanted) => window.seen[wanted], name);
};

const data = readdirSync(join(folder, "index-data"));
const size = (prefix) =>
  data
    .filter((name) => name.startsWith(prefix))
    .reduce((sum, name) => sum + statSync(join(folder, "index-data", name)).size, 0);
const page = await open();
say("first screen", ms(await seen(page, "binders")));
const documents = await page.evaluate(() => Number(document.querySelector(".tiles b").textContent.replace(/\D/g, "")));
say("documents", documents.toLocaleString("en"));
say(
  "search data",
  `${(size("search-") / 1e6).toFixed(1)} MB, ${(size("search-") / documents).toFixed(0)} bytes a document`,
);
say(
  "page, and what the first screen reads",
  `${(statSync(join(folder, "index.html")).size / 1000).toFixed(0)} kB, ${((size("start") + size("binders-")) / 1000).toFixed(0)} kB`,
);

// At once, while the data are still being read.
for (const [when, wait] of [
  ["at once", 0],
  ["after 6 s", 6000],
]) {
  if (wait) {
    await page.fill("#search", "");
    await page.waitForTimeout(wait);
    await longest(page);
  }
  for (const word of ["ritning", "å", "hyresavtal c-4 gällande", "finns inte alls"]) {
    await page.fill("#search", "");
    await page.waitForTimeout(300);
    const times = [];
    const echoes = [];
    await page.focus("#search");
    for (const letter of word) {
      await page.keyboard.insertText(letter);
      await page.waitForFunction(() => window.answered !== null && window.answered !== undefined, null, {
        timeout: 120_000,
        polling: 10,
      });
      times.push(await page.evaluate(() => window.answered));
      echoes.push(await page.evaluate(() => window.echoed));
    }
    await page.waitForFunction(() => window.answeredAll, null, { timeout: 120_000, polling: 50 });
    const all = await page.evaluate(() => window.answeredAll);
    say(
      `"${word}", ${when}: worst first hits, complete, echo`,
      `${ms(Math.max(...times))}, ${ms(all)}, ${ms(Math.max(...echoes))}  (${await page.textContent(".count")})`,
    );
  }
  say(`longest task, ${when}`, ms(await longest(page)));
}

// Typing quickly while everything is searched.
await page.fill("#search", "");
await page.focus("#search");
const echoes = [];
for (const letter of "planritning hus a") {
  await page.keyboard.insertText(letter);
  await page.waitForTimeout(90);
  echoes.push(await page.evaluate(() => window.echoed));
}
await page.waitForFunction(() => window.answeredAll, null, { timeout: 120_000, polling: 50 });
say(
  "typed at 90 ms a letter: worst echo, complete",
  `${ms(Math.max(...echoes))}, ${ms(await page.evaluate(() => window.answeredAll))}`,
);
say("longest task then", ms(await longest(page)));

// A broad search in each order.
await page.fill("#search", "a");
await page.waitForFunction(() => window.answeredAll, null, { timeout: 120_000, polling: 50 });
for (const order of ["name", "newest", "largest"]) {
  await page.evaluate(() => (window.seen = {}));
  const before = await page.evaluate(() => performance.now());
  await page.selectOption(".bar select", order);
  await page.waitForFunction(
    (wanted) => location.hash.includes(wanted) && document.querySelector(".find[aria-busy=false]"),
    order,
    { timeout: 120_000, polling: 20 },
  );
  say(
    `"a" by ${order}`,
    `${ms((await page.evaluate(() => performance.now())) - before)}  (${await page.textContent(".count")})`,
  );
}
say("longest task in these", ms(await longest(page)));
say("memory after all this", `${(await heap(page)).toFixed(0)} MB`);
await page.close();

const binder = await open("#b=b003");
say(
  "a binder: first rows, complete, folders",
  `${ms(await seen(binder, "rows"))}, ${ms(await seen(binder, "done"))}, ${ms(await seen(binder, "tree"))}`,
);
say("longest task", ms(await longest(binder)));
await binder.close();
await browser.close();
