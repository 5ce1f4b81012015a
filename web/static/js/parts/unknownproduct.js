// Help beside a row whose product is not in the catalogue: what was probably meant; for an admin, to add it.

import { get } from "../api.js";
import { fill, h, say, user } from "../dom.js";
import { nearest } from "../nearest.js";
import { mayImport, mayManage } from "../session.js";
import { setProduct } from "../views/admin/products.js";
import { retryButton } from "../views/nextstep.js";
import { working } from "./notice.js";

const size = 100;
const most = 2000; // products that are compared

/** unknownProducts gives help(code), an element; imported() is the import of the rows. */
export function unknownProducts(imported, signal) {
  const helps = new Map(); // code → its elements
  const added = new Set();
  let catalogue = null; // a promise of the short codes that the manager may see
  const help = (code) => {
    const element = h("div", { class: "tight" });
    helps.set(code, [...(helps.get(code) || []), element]);
    catalogue ||= shortCodes(signal).catch(() => []); // the rows are shown without a suggestion
    catalogue.then((codes) => {
      if (codes.includes(code)) added.add(code); // since the import
      draw(element, code, nearest(code, codes));
    });
    return element;
  };
  const draw = (element, code, meant) => {
    if (added.has(code)) return fill(element, afterwards(code, imported()));
    return fill(element,
      meant && h("p", { class: "meant" }, "Did you mean ", h("strong", {}, user(meant)), "?"),
      mayManage() && h("div", { class: "actions" }, addButton(code)));
  };
  const addButton = (code) => {
    const button = h("button", { type: "button", class: "button small", "aria-label": `Add this product: ${code}` }, "Add this product");
    button.addEventListener("click", () => working(button, async () => {
      await setProduct({ short_code: code });
      added.add(code);
      say(`${code} is in the catalogue now`);
      for (const element of helps.get(code)) draw(element, code, null);
    }));
    return button;
  };
  return { help };
}

/** afterwards says what to do with the rows of a product that was added. */
function afterwards(code, found) {
  const again = found && !found.dry_run && found.error === null && !found.undo && mayImport();
  return [h("p", {}, user(code), " is in the catalogue now.", !again && " Upload the file again."),
    again && h("div", { class: "actions" }, retryButton(found, true))];
}

async function shortCodes(signal) {
  const codes = [];
  for (let count = 1; codes.length < Math.min(count, most);) {
    const page = await get("products/", { signal, query: { limit: size, offset: codes.length } });
    if (page.results.length === 0) break;
    codes.push(...page.results.map((p) => p.short_code));
    count = page.count;
  }
  return codes;
}
