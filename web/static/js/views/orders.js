// The search of orders.

import { save } from "../api.js";
import { h, uniqueId, user } from "../dom.js";
import { link } from "../router.js";
import { moment } from "../parts/badge.js";
import { empty, working } from "../parts/notice.js";
import { recordList } from "../parts/recordlist.js";
import { row } from "../parts/table.js";

const columns = [
  { label: "Store order number", class: "lead", sort: "store_id" }, { label: "Kind" }, { label: "Import", class: "short" },
  { label: "Since", sort: "created_at" },
];

/** exportForm saves the orders of a list as a CSV: all, or those of some days. */
function exportForm(filters) {
  const day = (label) => {
    const id = uniqueId("day");
    const input = h("input", { class: "input", id, type: "date" });
    return { input, root: [h("label", { for: id }, label), input] };
  };
  const [from, to] = [day("Export orders from"), day("to")];
  const button = h("button", { class: "button" }, "Export as CSV");
  const submit = (e) => {
    e.preventDefault();
    working(button, () => save("orders/export/", "orders.csv", { ...filters, from: from.input.value, to: to.input.value }));
  };
  return h("form", { class: "days", "aria-label": "Export", on: { submit } }, from.root, to.root, h("div", {}, button));
}

export const orders = recordList({
  path: "orders", title: "Orders", noun: "order", columns, hint: "Store order number, license key, product, e-mail, name or company.",
  scopes: [
    { name: "order", label: "order", filter: "store_id", exact: "Store order number" },
    { name: "product", label: "product", filter: "short_code", exact: "Product code" },
  ],
  nothing: (advice) => (advice
    ? empty("No orders match", h("p", {}, advice))
    : empty("No orders yet", h("p", {}, h("a", { href: "#/" }, "Import a file"), " to see its orders here."))),
  actions: exportForm,
  draw: (o) => row(columns, [
    o.store_id
      ? h("a", { href: link("licenses", { order: o.store_id }), title: "Licenses of this order" }, user(o.store_id))
      : h("span", { class: "soft" }, "no store order number"),
    [o.is_test && "test", o.is_trial && "trial"].filter(Boolean).join(", ") || "normal",
    [h("a", { href: link(`imports/${o.import_id}`) }, o.import_id), h("span", { class: "soft" }, `, row ${o.import_row}`)],
    moment(o.created_at),
  ]),
});
