// A searched, paged list of records: customers and orders.

import { get } from "../api.js";
import { fill, focusOn, h, say, uniqueId } from "../dom.js";
import { count } from "../format.js";
import { go, link, pageOf } from "../router.js";
import { empty, loading, problem } from "./notice.js";
import { pager } from "./pager.js";
import { table } from "./table.js";

const size = 50;

/**
 * recordList makes a view. kind gives: its path in the address and in the API, title, noun, fields of the search
 * ({ name, label, filter: the API's parameter, type }), columns, draw(record) which returns a table row, nothing
 * (what an empty list says), and actions(filters) which returns what stands beside the heading of the list.
 */
export function recordList(kind) {
  return ({ root, query, signal, title }) => {
    const heading = h("h1", {}, kind.title);
    const form = searchForm(kind);
    const list = h("section", { class: "stack", "aria-label": kind.title });
    fill(root, heading, form.root, list);
    title(heading, kind.title);
    let round = new AbortController();
    const apply = (next, moved = true) => {
      round.abort();
      round = new AbortController();
      form.set(next);
      load(kind, list, next, AbortSignal.any([signal, round.signal]), moved);
    };
    apply(query, false);
    return apply;
  };
}

function searchForm(kind) {
  const inputs = kind.fields.map(({ name, label, type = "text" }) => {
    const id = uniqueId("search");
    const input = h("input", { class: "input", id, name, type, autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
    return { input, root: h("div", { class: "field" }, h("label", { for: id }, label), input) };
  });
  const submit = (e) => {
    e.preventDefault();
    const query = Object.fromEntries(inputs.map(({ input }) => [input.name, input.value.trim()]));
    if (link(kind.path, query) === location.hash) dispatchEvent(new Event("hashchange"));
    else go(kind.path, query);
  };
  return {
    root: h("form", { class: "sheet search", role: "search", on: { submit } }, inputs.map((i) => i.root),
      h("div", { class: "actions" }, h("button", { class: "button primary" }, "Search"), h("a", { class: "button plain", href: link(kind.path) }, "Clear"))),
    set(query) {
      for (const { input } of inputs) input.value = query[input.name] || "";
    },
  };
}

/** filtersOf are the API's parameters of a query. */
function filtersOf(kind, query) {
  return Object.fromEntries(kind.fields.filter((f) => f.filter && query[f.name]).map((f) => [f.filter, query[f.name]]));
}

async function load(kind, list, query, signal, moved) {
  const page = pageOf(query);
  if (!moved) fill(list, loading());
  list.setAttribute("aria-busy", "true");
  try {
    const found = await get(`${kind.path}/`, { signal, query: { limit: size, offset: (page - 1) * size, ...filtersOf(kind, query) } });
    draw(kind, list, found, query, page, moved);
  } catch (error) {
    if (error.name === "AbortError") return;
    fill(list, problem(error, () => load(kind, list, query, signal, moved)));
  }
  list.removeAttribute("aria-busy");
}

function draw(kind, list, found, query, page, moved) {
  if (found.results.length === 0) {
    const { page: _, ...given } = query;
    fill(list, page > 1
      ? empty("This page is empty", h("p", {}, h("a", { href: link(kind.path, given) }, "Go to the first page")))
      : kind.nothing(Object.values(given).some(Boolean)));
    if (moved) say("Nothing found");
    return;
  }
  const heading = h("h2", {}, count(found.count, kind.noun));
  fill(list, h("div", { class: "heading" }, heading, h("div", { class: "actions" }, kind.actions?.(filtersOf(kind, query), query))),
    h("div", { class: "sheet" }, table(`${kind.title}, newest first`, kind.columns, found.results.map(kind.draw))),
    pager({
      page, size, count: found.count, noun: `${kind.noun}s`,
      href: (n) => link(kind.path, { ...query, page: n }), goTo: (n) => go(kind.path, { ...query, page: n }),
    }));
  if (moved) focusOn(heading);
}
