// The audit log: who changed keys, products and mappings, and when.

import { fill, h, user } from "../../dom.js";
import { moment } from "../../parts/badge.js";
import { row } from "../../parts/table.js";
import { adminList } from "./list.js";

const columns = [{ label: "When", class: "lead" }, { label: "Who" }, { label: "What", class: "wide" }];

export function audit({ section, query, signal }) {
  const list = adminList({
    place: "admin/audit", path: "audit-log/", noun: "entry", nouns: "entries", caption: "Changes, newest first", columns, draw,
    nothing: ["Nothing was changed yet", "Every change of a key, a product or a saved mapping is listed here."],
  }, signal);
  fill(section, list.root);
  list.show(query);
  return list.show;
}

const what = {
  ManagerKeyCreated: (d) => ["Made the key ", h("code", {}, `lik_${d.key}`), " for ", user(d.name), `, role ${d.role}`, d.products?.length > 0 && [", limited to ", user(d.products.join(", "))]],
  ManagerKeyRevoked: (d) => ["Revoked the key ", h("code", {}, `lik_${d.key}`), " of ", user(d.name)],
  ProductSet: (d) => ["Set the product ", user(d.product.short_code), d.product.name && [" (", user(d.product.name), ")"]],
  ProductRemoved: (d) => ["Removed the product ", user(d.short_code)],
  MappingSaved: (d) => ["Saved the mapping ", user(d.mapping.name)],
  MappingRemoved: (d) => ["Deleted the mapping ", user(d.name)],
  EventSetAside: (d) => [`Set message ${d.sequence} aside: `, user(d.reason)],
};

function draw(entry) {
  return row(columns, [
    moment(entry.time), entry.manager ? user(entry.manager) : h("span", { class: "soft" }, "not known"),
    what[entry.type]?.(entry.data) || entry.type,
  ]);
}
