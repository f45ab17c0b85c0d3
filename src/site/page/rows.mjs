// A list of which only the rows in sight exist. It scrolls with the window.

import { make } from "./element.mjs";

const SPARE = 10;
const PRINTED = 1000;

// `draw(row, index)` makes the content of a row; all rows are as high as the list's --row says.
export function createRows(label, draw) {
  const list = make("ul", { class: "rows", role: "list", "aria-label": label });
  const shown = new Map();
  let rows = [];
  let isPrinting = false;
  let scheduled = false;

  const height = () =>
    parseFloat(getComputedStyle(list).getPropertyValue("--row")) *
    parseFloat(getComputedStyle(document.documentElement).fontSize);
  const show = (index, high) => {
    const item = make("li", { "aria-setsize": rows.length, "aria-posinset": index + 1 }, draw(rows[index], index));
    if (!isPrinting) item.style.transform = `translateY(${index * high}px)`;
    item.dataset.index = index;
    list.append(item);
    shown.set(index, item);
  };
  const update = () => {
    scheduled = false;
    if (!list.isConnected || isPrinting) return;
    const high = height();
    const top = -list.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / high) - SPARE);
    const last = Math.min(rows.length, Math.ceil((top + window.innerHeight) / high) + SPARE);
    for (const [index, item] of shown) {
      if ((index < first || index >= last) && !item.contains(document.activeElement)) {
        item.remove();
        shown.delete(index);
      }
    }
    // In order, so that the reading order is that of the list.
    for (let index = first; index < last; index++) {
      if (!shown.has(index)) show(index, high);
    }
    const items = [...shown].sort(([a], [b]) => a - b).map(([, item]) => item);
    items.forEach((item, at) => {
      if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null);
    });
  };
  const schedule = () => {
    if (!scheduled) requestAnimationFrame(update);
    scheduled = true;
  };
  const clear = () => {
    shown.clear();
    list.replaceChildren();
  };
  const redraw = () => {
    const focused = focusedIndex();
    const id = focused === null ? null : document.activeElement.closest("[data-id]")?.dataset.id;
    clear();
    list.style.height = `${rows.length * height()}px`;
    update();
    if (id)
      [...shown.values()]
        .find((item) => item.querySelector(`[data-id="${CSS.escape(id)}"]`))
        ?.querySelector("a")
        ?.focus({ preventScroll: true });
  };
  const focusedIndex = () => {
    const item = document.activeElement?.closest(".rows > li");
    return item && list.contains(item) ? Number(item.dataset.index) : null;
  };
  const focusRow = (index) => {
    if (!rows.length) return;
    const wanted = Math.max(0, Math.min(rows.length - 1, index));
    const high = height();
    const top = list.getBoundingClientRect().top + wanted * high;
    const header = document.querySelector(".top")?.getBoundingClientRect().bottom ?? 0;
    if (top < header) window.scrollBy(0, top - header - 8);
    else if (top + high > window.innerHeight) window.scrollBy(0, top + high - window.innerHeight + 8);
    update();
    shown.get(wanted)?.querySelector("a")?.focus({ preventScroll: true });
  };
  list.addEventListener("keydown", (event) => {
    const index = focusedIndex();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (index === null || !step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (index + step < 0) document.getElementById("search").focus();
    else focusRow(index + step);
  });
  window.addEventListener("scroll", schedule, { passive: true });
  window.addEventListener("resize", () => list.isConnected && !isPrinting && redraw());
  window.addEventListener("beforeprint", () => {
    if (!list.isConnected) return;
    isPrinting = true;
    clear();
    list.style.height = "";
    for (let index = 0; index < Math.min(rows.length, PRINTED); index++) show(index, 0);
  });
  window.addEventListener("afterprint", () => {
    isPrinting = false;
    if (list.isConnected) redraw();
  });
  return {
    element: list,
    set(next) {
      rows = next;
      redraw();
    },
    redraw,
    focusFirst: () => focusRow(0),
  };
}
