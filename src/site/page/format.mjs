// Numbers, sizes, times and names as people read them.

import { currentLanguage } from "./words.mjs";

const UNITS = ["kB", "MB", "GB", "TB"];
const DAY_STYLE = { year: "numeric", month: "short", day: "numeric" };
const MOMENT_STYLE = { year: "numeric", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit" };
const formatters = new Map();

function formatter(name, make) {
  const key = `${name} ${currentLanguage()}`;
  if (!formatters.has(key)) formatters.set(key, make(currentLanguage() === "sv" ? "sv-SE" : "en-GB"));
  return formatters.get(key);
}

export function formatNumber(number) {
  return formatter("number", (tag) => new Intl.NumberFormat(tag)).format(number);
}

export function formatBytes(bytes) {
  return `${formatNumber(bytes)} byte${currentLanguage() === "en" && bytes !== 1 ? "s" : ""}`;
}

export function formatSize(bytes) {
  if (bytes < 1000) return formatBytes(bytes);
  let size = bytes / 1000;
  let unit = 0;
  // 999,950 would be shown as 1000.0 kB.
  while (size >= 999.95 && unit < UNITS.length - 1) {
    size /= 1000;
    unit++;
  }
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return `${formatter("size", (tag) => new Intl.NumberFormat(tag, digits)).format(size)} ${UNITS[unit]}`;
}

export function formatDay(seconds) {
  return formatter("day", (tag) => new Intl.DateTimeFormat(tag, DAY_STYLE)).format(new Date(seconds * 1000));
}

// A time of day too, from RFC 3339.
export function formatMoment(text) {
  return formatter("moment", (tag) => new Intl.DateTimeFormat(tag, MOMENT_STYLE)).format(new Date(text));
}

export function formatDayOf(text) {
  return formatDay(Date.parse(text) / 1000);
}

// A name without the characters that hide or turn what stands beside them.
export function visible(text) {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    "\ufffd",
  );
}

// For a shell: as it is if it is plain, otherwise in single quotes.
export function shellQuoted(text) {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}
