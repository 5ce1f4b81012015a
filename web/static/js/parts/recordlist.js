// A searched, sorted, paged list of records: licenses, customers and orders.

import { get } from "../api.js";
import { fill, focusOn, h, say, uniqueId, user } from "../dom.js";
import { capital, count, number } from "../format.js";
import { go, link, pageOf } from "../router.js";
import { empty, loading, problem } from "./notice.js";
import { pager } from "./pager.js";
import { table } from "./table.js";

const size = 50;
const sortedEnd = 10_000; // a sorted list ends there
const pauseOfTyping = 200; // milliseconds
const newest = "-created_at";

/**
 * recordList makes a view. kind gives: its path in the address and in the API, title, noun, hint (what the search
 * looks at), columns (with the API's sort), draw(record) which returns a table row, nothing(advice) which is what
 * an empty list says, advice being "" where it was not narrowed, actions(filters) which returns what stands beside the heading of the list, and scopes: what
 * else an address may ask for, from a link of another view. Each scope is { name, label, filter: the API's
 * parameter }, or functions of the query; it is shown and can be taken away. One with exact, the name of a field,
 * can also be typed: with is then part of the query, too.
 */
export function recordList(kind) {
  return ({ root, query, signal, title }) => {
    const heading = h("h1", {}, kind.title);
    const list = h("section", { class: "stack", "aria-label": `Found ${kind.path}` });
    let round = new AbortController();
    let now = query;
    const apply = (next, how = "moved") => {
      round.abort(); // an answer to an older question is not shown
      round = new AbortController();
      now = next;
      form.set(next);
      load(kind, list, next, AbortSignal.any([signal, round.signal]), how);
    };
    const form = searchForm(kind, signal, (search) => {
      const next = { ...now, search, page: "" };
      if ((now.search || "") === search) return;
      history.replaceState(null, "", link(kind.path, next)); // a letter is no step of “back”
      apply(next, "typed");
    });
    const narrow = (more) => go(kind.path, { ...now, ...more, page: "" });
    fill(root, heading, h("div", { class: "sheet search-one" }, form.root, exactForm(kind, narrow)), list);
    title(heading, kind.title);
    apply(query, "first");
    return apply;
  };
}

const of = (value, query) => (typeof value === "function" ? value(query) : value);

/** searchForm calls search with the text as it is typed, after a short pause or at once on Enter. */
function searchForm(kind, signal, search) {
  const [id, hint] = [uniqueId("search"), uniqueId("hint")];
  const input = h("input", {
    class: "input", id, name: "search", type: "search", maxlength: 200, "aria-describedby": hint,
    autocomplete: "off", autocapitalize: "off", spellcheck: "false",
  });
  let timer = 0;
  const ask = () => {
    clearTimeout(timer);
    search(input.value.trim());
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, pauseOfTyping);
  });
  signal.addEventListener("abort", () => clearTimeout(timer));
  const only = h("div", { class: "scopes" });
  const submit = (e) => {
    e.preventDefault();
    ask();
  };
  return {
    root: h("form", { class: "search-one", role: "search", on: { submit } },
      h("div", { class: "field" }, h("label", { for: id }, `Search ${kind.path}`), input,
        h("p", { class: "hint", id: hint }, `${kind.hint} Parts of words are enough.`)), only),
    set(query) {
      if (input.value.trim() !== (query.search || "")) input.value = query.search || "";
      fill(only, kind.scopes.filter(({ name }) => query[name]).map(({ name, label, alone }) => {
        const { [name]: value, page: _, ...rest } = query;
        const what = of(label, query);
        return h("span", { class: "badge" }, h("span", {}, `Only ${what} `, user(value)),
          h("a", { href: link(kind.path, alone ? { ...rest, [alone]: "" } : rest), "aria-label": `Remove filter: ${what} ${value}` }, "✕"));
      }));
    },
  };
}

/** exactForm calls narrow with the query of a field's exact value. */
function exactForm(kind, narrow) {
  const offered = kind.scopes.filter((s) => s.exact);
  const [field, value] = [uniqueId("field"), uniqueId("value")];
  const select = h("select", { class: "input", id: field }, offered.map((s) => h("option", { value: s.name }, s.exact)));
  const input = h("input", { class: "input", id: value, name: "exact", required: true, autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
  const submit = (e) => {
    e.preventDefault();
    const scope = offered.find((s) => s.name === select.value);
    const text = input.value.trim();
    input.value = "";
    if (text) narrow({ ...scope.with, [scope.name]: text });
  };
  return h("details", {}, h("summary", {}, `Filter by ${offered.length === 1 ? `exact ${offered[0].exact.toLowerCase()}` : "an exact value"}`),
    h("form", { class: "exact", on: { submit } },
      h("div", { class: "field", hidden: offered.length === 1 }, h("label", { for: field }, "Field"), select),
      h("div", { class: "field" }, h("label", { for: value }, offered.length === 1 ? offered[0].exact : "Exact value"), input),
      h("button", { class: "button" }, "Filter")));
}

/** filtersOf are the API's parameters of a query. */
function filtersOf(kind, query) {
  return { search: query.search, ...Object.fromEntries(kind.scopes.map(({ name, filter }) => [of(filter, query), query[name]])) };
}

/** orderOf are the API's parameters of the order of a query. */
function orderOf({ sort }) {
  if (!sort || sort === newest) return {};
  return sort === "created_at" ? { order_by: sort } : { sort };
}

/** load shows a page of the list. how: "first", "moved" (the focus goes to the list), or "typed". */
async function load(kind, list, query, signal, how) {
  const page = pageOf(query);
  if (how === "first") fill(list, loading());
  list.setAttribute("aria-busy", "true");
  try {
    const found = await get(`${kind.path}/`, { signal, query: { limit: size, offset: (page - 1) * size, ...filtersOf(kind, query), ...orderOf(query) } });
    if (signal.aborted) return;
    draw(kind, list, found, query, page, how);
  } catch (error) {
    if (error.name === "AbortError") return;
    fill(list, problem(error, () => load(kind, list, query, signal, how)));
  }
  list.removeAttribute("aria-busy");
}

function draw(kind, list, found, query, page, how) {
  if (found.results.length === 0) {
    fill(list, nothing(kind, query, page));
    if (how !== "first") say("Nothing found");
    return;
  }
  const sort = query.sort || newest;
  const sorted = !sort.endsWith("created_at");
  const to = (next) => link(kind.path, { ...query, page: "", sort: next === newest ? "" : next });
  const heading = h("h2", {}, count(found.count, kind.noun));
  fill(list, h("div", { class: "heading" }, heading, h("div", { class: "actions" }, sortSelect(kind, sort, to), kind.actions(filtersOf(kind, query)))),
    h("div", { class: "sheet" }, table(kind.title, kind.columns, found.results.map(kind.draw), { sort, to })),
    sorted && found.count > sortedEnd && h("p", { class: "soft" }, `A sorted list ends after its first ${number(sortedEnd)} ${kind.path}.`),
    pager({
      page, size, count: sorted ? Math.min(found.count, sortedEnd) : found.count, noun: kind.path,
      href: (n) => link(kind.path, { ...query, page: n }), goTo: (n) => go(kind.path, { ...query, page: n }),
    }));
  if (how === "moved") focusOn(heading);
  if (how === "typed") say(count(found.count, kind.noun));
}

/** sortSelect is for narrow screens, where the table has no headings. */
function sortSelect(kind, sort, to) {
  const id = uniqueId("sort");
  const texts = kind.columns.filter((c) => c.sort && c.sort !== "created_at")
    .flatMap((c) => [[c.sort, `${c.label}, A to Z`], [`-${c.sort}`, `${c.label}, Z to A`]]);
  const options = [[newest, "Newest first"], ["created_at", "Oldest first"], ...texts];
  const select = h("select", { class: "input", id }, options.map(([value, label]) => h("option", { value, selected: value === sort }, label)));
  select.addEventListener("change", () => { location.hash = to(select.value); });
  return h("span", { class: "sort-by" }, h("label", { for: id }, "Sort by"), select);
}

function nothing(kind, query, page) {
  const { page: _, sort: __, ...filters } = query;
  if (page > 1) return empty("This page is empty", h("p", {}, h("a", { href: link(kind.path, filters) }, "Go to the first page")));
  const scoped = kind.scopes.some(({ name }) => query[name]) && "remove a filter (✕)";
  const advice = [query.search && "try fewer words", query.search && "shorter parts of them", scoped].filter(Boolean).join(", or ");
  return kind.nothing(advice && `${capital(advice)}.`);
}
