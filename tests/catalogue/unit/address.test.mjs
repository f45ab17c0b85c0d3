import assert from "node:assert/strict";
import { test } from "node:test";
import { documentAddress, formatAddress, listAddress, parseAddress } from "../../../src/site/page/address.mjs";

test("what an address says comes back", () => {
  for (const hash of [
    "#d=0f8f-1&in=b1",
    "#b=b1",
    "#q=hyra+%C3%A5r&b=b1&f=Ritningar%2FHus+A&type=pdf&from=2026-01-01&sort=newest",
    "#q=a&d=7",
    "#changes",
    "#changes=31&b=b1",
    "#missing",
  ])
    assert.equal(formatAddress(parseAddress(hash)), hash);
});

test("views are recognised", () => {
  for (const [hash, view] of [
    ["", "home"],
    ["#", "home"],
    ["#d=1", "document"],
    ["#d=1&in=b", "document"],
    ["#q=", "list"],
    ["#b=1&d=2", "list"],
    ["#changes", "changes"],
    ["#changes=7", "changes"],
    ["#missing", "missing"],
    ["#unknown=1", "home"],
    ["#%E0%A4%A", "home"],
  ]) {
    assert.equal(parseAddress(hash).view, view, hash);
  }
});

test("any text survives in an address", () => {
  for (const text of ["50% #1 ? & + \"x\" 'y'", "<img src=x>", "å\u202eä\nö", "a=b"]) {
    const hash = formatAddress({ view: "list", q: text, status: text });
    assert.equal(parseAddress(hash).q, text);
    assert.equal(parseAddress(hash).status, text);
    assert.ok(/^#[A-Za-z0-9&=%+*._-]+$/.test(hash), hash);
  }
});

test("a list's address forgets the document beside it", () => {
  assert.equal(formatAddress(listAddress(parseAddress("#q=a&d=7"), { b: "b1" })), "#q=a&b=b1");
  assert.equal(formatAddress(listAddress(parseAddress("#b=b1"), { b: "" })), "#q=");
  assert.equal(formatAddress(documentAddress("7", "b1")), "#d=7&in=b1");
});
