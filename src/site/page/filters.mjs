// The filters beside the list: each choice is a link, so that it has an address.

import { formatAddress, listAddress } from "./address.mjs";
import { make } from "./element.mjs";
import { formatNumber } from "./format.mjs";
import { compareNames } from "./hits.mjs";
import { KINDS } from "./kind.mjs";
import { addressLink, nameElement } from "./parts.mjs";
import { FACETS } from "./question.mjs";
import { say } from "./words.mjs";

const FEW = 7;
const FIRST_DAY = "1900-01-01";
const expanded = new Set();

export function facetLabel(store, address, facet) {
  return store.binder(address.b)?.labels?.[facet] || say(facet);
}

const choiceName = (facet, choice) => (facet === "type" ? say(`kind_${choice}`) : choice);

// What is chosen, each with a link that removes it.
export function chosenFilters(store, address) {
  const chips = [];
  const add = (label, text, without) =>
    chips.push(
      make(
        "li",
        {},
        addressLink(
          listAddress(address, without),
          { "aria-label": say("remove", `${label}: ${text}`) },
          make("span", { class: "soft" }, `${label}: `),
          nameElement(text),
          make("span", { "aria-hidden": "true", class: "cross" }, "×"),
        ),
      ),
    );
  if (address.b) add(say("binder"), store.binder(address.b)?.name ?? address.b, { b: "", f: "" });
  if (address.f) add(say("folder"), address.f, { f: "" });
  for (const facet of FACETS)
    if (address[facet]) add(facetLabel(store, address, facet), choiceName(facet, address[facet]), { [facet]: "" });
  if (address.from) add(say("from"), address.from, { from: "" });
  if (address.to) add(say("to"), address.to, { to: "" });
  return chips.length ? make("ul", { class: "chips", "aria-label": say("filters") }, chips) : null;
}

// The groups of choices with their numbers.
export function filterGroups(store, address, answer, redraw) {
  const groups = [];
  if (!address.b && store.binders.length > 1) {
    const names = [...answer.binders].map(([id, count]) => [id, store.binder(id)?.name ?? id, count]);
    groups.push(choices(address, "b", say("binder"), names, redraw));
  }
  FACETS.forEach((facet, n) => {
    const counted = [...answer.facets[n]].map(([value, count]) => [value, choiceName(facet, value), count]);
    if (facet === "type") counted.sort((a, b) => KINDS.indexOf(a[0]) - KINDS.indexOf(b[0]));
    if (counted.length > 1 || address[facet])
      groups.push(choices(address, facet, facetLabel(store, address, facet), counted, redraw));
  });
  return groups;
}

function choices(address, field, label, counted, redraw) {
  if (field !== "type") counted.sort((a, b) => b[2] - a[2] || compareNames(a[1], b[1]));
  const isAll = expanded.has(field) || counted.length <= FEW + 2;
  const visibleChoices = isAll ? counted : counted.filter(([value], n) => n < FEW || value === address[field]);
  const items = visibleChoices.map(([value, text, count]) => {
    const isChosen = address[field] === value;
    const link = addressLink(
      listAddress(address, { [field]: isChosen ? "" : value }),
      { "aria-current": isChosen ? "true" : null, "data-choice": `${field} ${value}` },
      nameElement(text),
    );
    return make("li", {}, link, make("span", { class: "counts" }, formatNumber(count)));
  });
  const toggle = () => {
    if (!expanded.delete(field)) expanded.add(field);
    redraw();
  };
  const more =
    counted.length > FEW + 2
      ? make("button", { type: "button", class: "plain", onclick: toggle }, say(isAll ? "less" : "more"))
      : null;
  return make("section", { class: "facet" }, make("h3", {}, label), make("ul", {}, items), more);
}

// The dates stay the same elements, because somebody may be in the middle of typing one: the year 2 comes before 2026.
export function dateFilter(currentAddress) {
  const inputs = ["from", "to"].map((name) =>
    make("input", {
      type: "date",
      name,
      onchange: (event) => {
        const { value } = event.target;
        if (!value || value >= FIRST_DAY)
          location.hash = formatAddress(listAddress(currentAddress(), { [name]: value }));
      },
    }),
  );
  const fields = inputs.map((input) => make("label", {}, make("span", {}, say(input.name)), input));
  const update = () => {
    for (const input of inputs) input.value = currentAddress()[input.name] ?? "";
  };
  return { element: make("section", { class: "facet dates" }, make("h3", {}, say("date")), fields), update };
}
