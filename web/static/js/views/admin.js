// The administration: keys, products, saved mappings and the audit log, each a part with its own address.

import { fill, h } from "../dom.js";
import { link } from "../router.js";
import { mayManage } from "../session.js";
import { notice } from "../parts/notice.js";
import { audit } from "./admin/audit.js";
import { keys } from "./admin/keys.js";
import { mappings } from "./admin/mappings.js";
import { products } from "./admin/products.js";

const parts = { "": { label: "Keys", show: keys }, products: { label: "Products", show: products },
  mappings: { label: "Saved mappings", show: mappings }, audit: { label: "Audit log", show: audit } };

/** admin is the view of one part. */
export function admin({ root, params, query, signal, title }) {
  const heading = h("h1", {}, "Administration");
  const chosen = parts[params.part || ""];
  if (!chosen || !mayManage()) {
    fill(root, heading, notice("bad", chosen ? "Not allowed" : "Page not found",
      h("p", { class: "detail" }, chosen ? "The administration is for admins who are not limited to some products." : "Choose a part of the administration.")));
    title(heading, "Administration");
    return null;
  }
  const section = h("section", { class: "loose", "aria-label": chosen.label });
  fill(root, heading, h("nav", { "aria-label": "Administration" }, h("ul", { class: "tabs" },
    Object.entries(parts).map(([name, part]) => h("li", {}, h("a", { href: link(name ? `admin/${name}` : "admin"), "aria-current": part === chosen && "page" }, part.label))))),
  section);
  title(heading, `${chosen.label} · Administration`);
  return chosen.show({ section, query, signal }) || null;
}
