// One license: its values, its customer and order, and the import that made it.

import { get, text } from "../api.js";
import { fill, h, say, user } from "../dom.js";
import { exactTime, number } from "../format.js";
import { kindNamed, remember } from "../kinds.js";
import { columnLabel } from "../labels.js";
import { link } from "../router.js";
import { moment } from "../parts/badge.js";
import { loading, notice, problem, working } from "../parts/notice.js";
import { history } from "./history.js";

export function license({ root, params, signal, title }) {
  const path = `licenses/${encodeURIComponent(params.id)}/`;
  const load = async () => {
    fill(root, loading());
    try {
      const found = await get(path, { signal });
      const heading = h("h1", { class: "key-title" }, user(found.license_key));
      const details = event(path, found, signal);
      fill(root, head(heading, found), body(found), history(path, signal, (facts) => details.show(facts.findLast((f) => !f.feature_code))), details.root);
      title(heading, found.license_key);
    } catch (error) {
      if (error.status === 410) return gone(root, params.id, path, error, signal, title);
      const heading = h("h1", {}, "License");
      fill(root, heading, problem(error, load), h("p", {}, h("a", { href: "#/licenses" }, "Search for licenses")));
      if (error.name !== "AbortError") title(heading, "License");
    }
  };
  load();
}

/** gone shows a license that an undo took back. Its key, product and history are all that is left. */
function gone(root, id, path, error, signal, title) {
  const { key, product } = error.license;
  const heading = h("h1", { class: "key-title" }, user(key));
  const why = h("p", {}, error.message);
  fill(root, h("div", { class: "stack" },
    head(heading, { id, product: { short_code: product } }),
    notice("calm", "An undo removed this license", why)),
  history(path, signal, (facts) => {
    const last = facts.findLast((f) => f.type === "LicenseRevoked");
    if (last) fill(why, "It was taken back by undoing ", h("a", { href: link(`imports/${last.import_id}`) }, `import ${last.import_id}`),
      last.manager && [", by ", user(last.manager)], ", ", moment(last.time), ". Its key may be imported again.");
  }));
  title(heading, key);
}

function head(heading, l) {
  return h("div", {},
    h("p", { class: "crumbs" }, h("a", { href: "#/licenses" }, "Licenses")),
    heading,
    h("p", { class: "under" },
      h("span", {}, "Product ", user(l.product.name ? `${l.product.name} (${l.product.short_code})` : l.product.short_code)),
      h("span", {}, `License ${l.id}`)));
}

function body(l) {
  const { id, license_key: key, product, customer, order, features = [], import_id: job, import_row: row, created_at: created, ...fields } = l;
  return h("div", { class: "cards" },
    card("License", "license", fields, "Only the key and the product were given."),
    h("section", { class: "sheet stack" }, h("h2", {}, "Where it came from"),
      h("dl", { class: "facts" },
        fact("Import", h("a", { href: link(`imports/${job}`) }, `Import ${job}`)),
        fact("Row", number(row)),
        fact("When", h("time", { datetime: created }, exactTime(created)))),
      h("p", {}, h("a", { href: link("licenses", { import_id: job }) }, "All licenses of this import"))),
    card("Customer", "customer", withoutId(customer), "No customer: the row had no e-mail address.",
      customer && h("a", { href: link("licenses", { email: customer.email }) }, "All licenses of this customer")),
    card("Order", "order", withoutId(order), "No store order number.",
      order?.store_id && h("a", { href: link("licenses", { order: order.store_id }) }, "All licenses of this order")),
    featureCard(features));
}

/** featureCard lists the features of a license, each with what it permits. */
function featureCard(features) {
  return h("section", { class: "sheet stack" }, h("h2", {}, "Features"),
    features.length === 0 ? h("p", { class: "soft" }, "No features.") : features.map(feature));
}

function feature({ id: _, code, name, feature_type: type, import_id: job, import_row: row, created_at: created, ...values }) {
  remember(job, kindNamed("features"));
  const given = Object.entries(values).filter(([, value]) => value !== null);
  return h("section", { class: "feature" },
    h("h3", {}, user(name || code), name && name !== code && [" ", user(code, { class: "code" })]),
    h("p", { class: "under" }, type && h("span", {}, user(type)),
      h("span", {}, h("a", { href: link(`imports/${job}`) }, `Import ${job}`), `, row ${number(row)}, `, moment(created))),
    given.length > 0 && h("dl", { class: "facts" }, given.map(([column, value]) => fact(columnLabel(column), show(value)))));
}

function withoutId(o) {
  if (!o) return {};
  const { id: _, ...rest } = o;
  return rest;
}

function card(title, prefix, fields, none, more) {
  const given = Object.entries(fields).filter(([, value]) => value !== null);
  return h("section", { class: "sheet stack" }, h("h2", {}, title),
    given.length > 0
      ? h("dl", { class: "facts" }, given.map(([name, value]) => fact(columnLabel(`${prefix}__${name}`), show(value))))
      : h("p", { class: "soft" }, none),
    more && h("p", {}, more));
}

function fact(name, value) {
  return [h("dt", {}, name), h("dd", {}, value)];
}

function show(value) {
  if (value === true) return "yes";
  if (value === false) return "no";
  return user(value);
}

/** event shows the license's last event; it is fetched when opened. show(fact) names it by a fact of its history. */
function event(path, l, signal) {
  const holder = h("div", { class: "stack" });
  const details = h("details", {}, h("summary", {}, "Show the event as JSON"), holder);
  details.addEventListener("toggle", async () => {
    if (!details.open || holder.hasChildNodes()) return;
    fill(holder, loading());
    try {
      const json = JSON.stringify(JSON.parse(await text(`${path}event/`, { signal })), null, 2);
      fill(holder, copyButton(json), h("pre", { class: "pre", tabindex: "0", "aria-label": "Event" }, json));
    } catch (error) {
      fill(holder, problem(error));
    }
  });
  const last = h("p", { class: "soft" });
  const show = (fact) => fact && fill(last, "Technical details: event ", h("code", {}, fact.type), `, no. ${fact.sequence}.`);
  show({ type: "LicenseImported", sequence: l.id });
  return { root: h("section", { class: "sheet stack" }, last, details), show };
}

function copyButton(json) {
  if (!navigator.clipboard) return null; // missing unless the page is served by HTTPS or from localhost
  const button = h("button", { type: "button", class: "button small" }, "Copy");
  button.addEventListener("click", () => working(button, async () => {
    await navigator.clipboard.writeText(json);
    say("Copied");
    button.textContent = "Copied";
  }));
  return h("div", { class: "actions" }, button);
}
