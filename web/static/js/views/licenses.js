// The search of licenses.

import { get } from "../api.js";
import { fill, focusOn, h, say, uniqueId, user } from "../dom.js";
import { count } from "../format.js";
import { go, link, pageOf } from "../router.js";
import { moment } from "../parts/badge.js";
import { empty, loading, problem } from "../parts/notice.js";
import { exportButton } from "../parts/download.js";
import { pager } from "../parts/pager.js";
import { row, table } from "../parts/table.js";

const size = 50;
const columns = [
  { label: "License key", class: "lead" }, { label: "Product" }, { label: "Customer" },
  { label: "Order" }, { label: "Import", class: "short" }, { label: "Imported" },
];
const matches = [["startswith", "begins with"], ["icontains", "contains"], ["exact", "is"]];

export function licenses({ root, query, signal, title }) {
  const heading = h("h1", {}, "Licenses");
  const form = searchForm();
  const list = h("section", { class: "stack", "aria-label": "Found licenses" });
  fill(root, heading, form.root, list);
  title(heading, "Licenses");
  let round = new AbortController();
  const apply = (next, moved = true) => {
    round.abort();
    round = new AbortController();
    form.set(next);
    load(list, next, AbortSignal.any([signal, round.signal]), moved);
  };
  apply(query, false);
  return apply;
}

function searchForm() {
  const text = (name, label, placeholder) => {
    const id = uniqueId("search");
    const input = h("input", { class: "input", id, name, placeholder, autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
    return { input, root: h("div", { class: "field" }, h("label", { for: id }, label), input) };
  };
  const match = h("select", { class: "input", "aria-label": "How the license key must match" }, matches.map(([value, label]) => h("option", { value }, label)));
  const key = text("key", "License key");
  key.input.before(match);
  const joined = h("div", { class: "joined" }, match, key.input);
  key.root.append(joined);
  const rest = [text("email", "Customer’s e-mail"), text("order", "Order"), text("product", "Product")];
  let only = "";
  const submit = (e) => {
    e.preventDefault();
    const query = { key: key.input.value.trim(), import_id: only };
    if (query.key && match.value !== "startswith") query.match = match.value;
    for (const { input } of rest) query[input.name] = input.value.trim();
    if (link("licenses", query) === location.hash) dispatchEvent(new Event("hashchange"));
    else go("licenses", query);
  };
  const scope = h("span");
  return {
    root: h("form", { class: "sheet search", role: "search", on: { submit } }, key.root, rest.map((r) => r.root),
      h("div", { class: "actions" }, h("button", { class: "button primary" }, "Search"), h("a", { class: "button plain", href: "#/licenses" }, "Clear"), scope)),
    set(query) {
      only = query.import_id || "";
      key.input.value = query.key || "";
      match.value = query.match || "startswith";
      for (const { input } of rest) input.value = query[input.name] || "";
      fill(scope, only && h("span", { class: "badge" }, `only import ${only}`));
    },
  };
}

/** filtersOf are the API's parameters of a query. */
function filtersOf(query) {
  const compare = { exact: "license_key", icontains: "license_key__icontains" }[query.match] || "license_key__startswith";
  return {
    [compare]: query.key, customer_email: query.email, order__store_id: query.order, product__short_code: query.product, import_id: query.import_id,
  };
}

async function load(list, query, signal, moved) {
  const page = pageOf(query);
  if (!moved) fill(list, loading());
  list.setAttribute("aria-busy", "true");
  try {
    const found = await get("licenses/", { signal, query: { limit: size, offset: (page - 1) * size, ...filtersOf(query) } });
    draw(list, found, query, page, moved);
  } catch (error) {
    if (error.name === "AbortError") return;
    fill(list, problem(error, () => load(list, query, signal, moved)));
  }
  list.removeAttribute("aria-busy");
}

function draw(list, found, query, page, moved) {
  if (found.results.length === 0) {
    fill(list, nothing(query, page));
    if (moved) say("Nothing found");
    return;
  }
  const heading = h("h2", {}, count(found.count, "license"));
  fill(list, h("div", { class: "heading" }, heading, h("div", { class: "actions" }, exportButton("licenses", filtersOf(query)))),
    h("div", { class: "sheet" }, table("Licenses, newest first", columns, found.results.map(entry))),
    pager({
      page, size, count: found.count, noun: "licenses",
      href: (n) => link("licenses", { ...query, page: n }), goTo: (n) => go("licenses", { ...query, page: n }),
    }));
  if (moved) focusOn(heading);
}

function nothing(query, page) {
  const { page: _, ...filters } = query;
  if (page > 1) return empty("This page is empty", h("p", {}, h("a", { href: link("licenses", filters) }, "Go to the first page")));
  if (Object.values(filters).some(Boolean)) {
    return empty("No licenses match", h("p", {}, "Try fewer filters, or set the key to “contains”. E-mail, order and product must match exactly."));
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
