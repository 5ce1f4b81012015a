// The search of licenses.

import { get } from "../api.js";
import { fill, focusOn, h, say, uniqueId, user } from "../dom.js";
import { count, number } from "../format.js";
import { go, link, pageOf } from "../router.js";
import { moment } from "../parts/badge.js";
import { empty, loading, problem } from "../parts/notice.js";
import { exportButton } from "../parts/download.js";
import { pager } from "../parts/pager.js";
import { row, table } from "../parts/table.js";

const size = 50;
const sortedEnd = 10_000; // a sorted list ends there
const pauseOfTyping = 200; // milliseconds
const columns = [
  { label: "License key", class: "lead", sort: "license_key" }, { label: "Product", sort: "product__short_code" },
  { label: "Customer", sort: "customer_email" }, { label: "Order", sort: "order__store_id" }, { label: "Import", class: "short" },
  { label: "Imported", sort: "created_at" },
];
const newest = "-created_at";
// What else an address may ask for, from a link of another view. Each is shown and can be taken away.
const scopes = {
  import_id: () => "import", email: () => "customer", order: () => "order", product: () => "product",
  key: (match) => ({ exact: "key", icontains: "keys with" }[match] || "keys beginning with"),
};

export function licenses({ root, query, signal, title }) {
  const heading = h("h1", {}, "Licenses");
  const list = h("section", { class: "stack", "aria-label": "Found licenses" });
  let round = new AbortController();
  let now = query;
  const apply = (next, how = "moved") => {
    round.abort(); // an answer to an older question is not shown
    round = new AbortController();
    now = next;
    form.set(next);
    load(list, next, AbortSignal.any([signal, round.signal]), how);
  };
  const form = searchForm(signal, (search) => {
    const next = { ...now, search, page: "" };
    if ((now.search || "") === search) return;
    history.replaceState(null, "", link("licenses", next)); // a letter is no step of “back”
    apply(next, "typed");
  });
  fill(root, heading, form.root, list);
  title(heading, "Licenses");
  apply(query, "first");
  return apply;
}

/** searchForm calls search with the text as it is typed, after a short pause or at once on Enter. */
function searchForm(signal, search) {
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
    root: h("form", { class: "sheet search-one", role: "search", on: { submit } },
      h("div", { class: "field" }, h("label", { for: id }, "Search licenses"), input,
        h("p", { class: "hint", id: hint }, "License key, e-mail, name, company, order or product. Parts of words are enough.")), only),
    set(query) {
      if (input.value.trim() !== (query.search || "")) input.value = query.search || "";
      fill(only, Object.keys(scopes).filter((name) => query[name]).map((name) => {
        const { [name]: value, page: _, match, ...rest } = query;
        const what = scopes[name](match);
        return h("span", { class: "badge" }, h("span", {}, `Only ${what} `, user(value)),
          h("a", { href: link("licenses", name === "key" ? rest : { ...rest, match }), "aria-label": `Not only ${what} ${value}` }, "✕"));
      }));
    },
  };
}

/** filtersOf are the API's parameters of a query. */
function filtersOf(query) {
  const compare = { exact: "license_key", icontains: "license_key__icontains" }[query.match] || "license_key__startswith";
  return {
    search: query.search, [compare]: query.key, customer_email: query.email, order__store_id: query.order, product__short_code: query.product, import_id: query.import_id,
  };
}

/** orderOf are the API's parameters of the order of a query. */
function orderOf({ sort }) {
  if (!sort || sort === newest) return {};
  return sort === "created_at" ? { order_by: sort } : { sort };
}

/** load shows a page of the list. how: "first", "moved" (the focus goes to the list), or "typed". */
async function load(list, query, signal, how) {
  const page = pageOf(query);
  if (how === "first") fill(list, loading());
  list.setAttribute("aria-busy", "true");
  try {
    const found = await get("licenses/", { signal, query: { limit: size, offset: (page - 1) * size, ...filtersOf(query), ...orderOf(query) } });
    if (signal.aborted) return;
    draw(list, found, query, page, how);
  } catch (error) {
    if (error.name === "AbortError") return;
    fill(list, problem(error, () => load(list, query, signal, how)));
  }
  list.removeAttribute("aria-busy");
}

function draw(list, found, query, page, how) {
  if (found.results.length === 0) {
    fill(list, nothing(query, page));
    if (how !== "first") say("Nothing found");
    return;
  }
  const sort = query.sort || newest;
  const sorted = !sort.endsWith("created_at");
  const to = (next) => link("licenses", { ...query, page: "", sort: next === newest ? "" : next });
  const heading = h("h2", {}, count(found.count, "license"));
  fill(list, h("div", { class: "heading" }, heading, h("div", { class: "actions" }, sortSelect(sort, to), exportButton("licenses", filtersOf(query)))),
    h("div", { class: "sheet" }, table("Licenses", columns, found.results.map(entry), { sort, to })),
    sorted && found.count > sortedEnd && h("p", { class: "soft" }, `A sorted list ends after its first ${number(sortedEnd)} licenses.`),
    pager({
      page, size, count: sorted ? Math.min(found.count, sortedEnd) : found.count, noun: "licenses",
      href: (n) => link("licenses", { ...query, page: n }), goTo: (n) => go("licenses", { ...query, page: n }),
    }));
  if (how === "moved") focusOn(heading);
  if (how === "typed") say(count(found.count, "license"));
}

/** sortSelect is for narrow screens, where the table has no headings. */
function sortSelect(sort, to) {
  const id = uniqueId("sort");
  const texts = columns.filter((c) => c.sort && c.sort !== "created_at")
    .flatMap((c) => [[c.sort, `${c.label}, A to Z`], [`-${c.sort}`, `${c.label}, Z to A`]]);
  const options = [[newest, "Newest first"], ["created_at", "Oldest first"], ...texts];
  const select = h("select", { class: "input", id }, options.map(([value, label]) => h("option", { value, selected: value === sort }, label)));
  select.addEventListener("change", () => { location.hash = to(select.value); });
  return h("span", { class: "sort-by" }, h("label", { for: id }, "Sort by"), select);
}

function nothing(query, page) {
  const { page: _, sort: __, ...filters } = query;
  if (page > 1) return empty("This page is empty", h("p", {}, h("a", { href: link("licenses", filters) }, "Go to the first page")));
  if (Object.values(filters).some(Boolean)) {
    return empty("No licenses match", h("p", {}, "Try fewer words, or shorter parts of them."));
  }
  return empty("No licenses yet", h("p", {}, h("a", { href: "#/" }, "Import a file"), " to see its licenses here."));
}

function entry(l) {
  const name = [l.customer?.first_name, l.customer?.last_name].filter(Boolean).join(" ") || l.customer?.company_name;
  return row(columns, [
    [h("a", { class: "code", href: link(`licenses/${l.id}`) }, user(l.license_key)), !l.enabled && l.enabled !== null && [" ", h("span", { class: "badge" }, "disabled")]],
    user(l.product.short_code),
    l.customer && [user(l.customer.email), name && h("div", { class: "under" }, user(name))],
    l.order?.store_id && user(l.order.store_id),
    [h("a", { href: link(`imports/${l.import_id}`) }, l.import_id), h("span", { class: "soft" }, `, row ${l.import_row}`)],
    moment(l.created_at),
  ]);
}
