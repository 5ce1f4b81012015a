// The search of orders.

import { h, user } from "../dom.js";
import { link } from "../router.js";
import { moment } from "../parts/badge.js";
import { empty } from "../parts/notice.js";
import { recordList } from "../parts/recordlist.js";
import { row } from "../parts/table.js";

const columns = [
  { label: "Store order number", class: "lead" }, { label: "Kind" }, { label: "Import", class: "short" }, { label: "Since" },
];

export const orders = recordList({
  path: "orders", title: "Orders", noun: "order", columns,
  fields: [{ name: "order", label: "Store order number", filter: "store_id" }],
  nothing: (searched) => (searched
    ? empty("No orders match", h("p", {}, "The store order number must match exactly."))
    : empty("No orders yet", h("p", {}, h("a", { href: "#/" }, "Import a file"), " to see its orders here."))),
  draw: (o) => row(columns, [
    o.store_id
      ? h("a", { href: link("licenses", { order: o.store_id }), title: "Licenses of this order" }, user(o.store_id))
      : h("span", { class: "soft" }, "no store order number"),
    [o.is_test && "test", o.is_trial && "trial"].filter(Boolean).join(", ") || "normal",
    [h("a", { href: link(`imports/${o.import_id}`) }, o.import_id), h("span", { class: "soft" }, `, row ${o.import_row}`)],
    moment(o.created_at),
  ]),
});
