// The catalogue of products.

import { post } from "../../api.js";
import { fill, h, say, user } from "../../dom.js";
import { number } from "../../format.js";
import { ask } from "../../parts/ask.js";
import { choice, field } from "../../parts/field.js";
import { working } from "../../parts/notice.js";
import { row } from "../../parts/table.js";
import { adminList } from "./list.js";

const columns = [
  { label: "Short code", class: "lead" }, { label: "Name" }, { label: "License type" }, { label: "Activations", class: "number" }, { label: "Change" },
];

const types = [["", "None"], ["perpetual", "Perpetual"], ["time-limited", "Time-limited"], ["subscription", "Subscription"], ["consumption", "Consumption"]];

export function products({ section, query, signal }) {
  const form = productForm(() => list.again());
  const list = adminList({
    place: "admin/products", path: "products/", noun: "product", caption: "The catalogue, by short code", columns,
    draw: (product, again) => draw(product, again, form.edit),
    nothing: ["The catalogue is empty", "Every short code is accepted. From the first product on, rows for others are rejected."],
  }, signal);
  fill(section, form.root, list.root);
  list.show(query);
  return list.show;
}

/** setProduct adds a product to the catalogue, or replaces it. */
export function setProduct(product) {
  return post("products/", {}, { body: JSON.stringify(product), headers: { "Content-Type": "application/json" } });
}

/** productForm has a root, and edit(product), which fills it. Its fields are the members of a product. */
function productForm(done) {
  const fields = {
    short_code: field("Short code", { required: true, maxlength: 64 }, "As files name the product. Upper and lower case differ."),
    product_name: field("Name", {}, "What people call it."),
    license_type: choice("License type", types, "For rows that leave it empty."),
    max_activations: field("Maximum activations", { type: "number", min: 0, max: 2147483647 }, "For rows that leave it empty."),
  };
  const button = h("button", { class: "button primary" }, "Save the product");
  const root = h("form", { class: "sheet stack", "aria-label": "Add or change a product" },
    h("h2", {}, "Add or change a product"), h("div", { class: "fields" }, Object.values(fields).map((f) => f.root)), h("div", { class: "actions" }, button));
  root.addEventListener("submit", (e) => {
    e.preventDefault();
    working(button, async () => {
      const most = fields.max_activations.value;
      const product = await setProduct({
        short_code: fields.short_code.value, product_name: fields.product_name.value,
        license_type: fields.license_type.value, max_activations: most === "" ? null : Number(most),
      });
      root.reset();
      say(`${product.short_code} is saved`);
      done();
    });
  });
  const edit = (product) => {
    for (const [name, f] of Object.entries(fields)) f.input.value = product[name] ?? "";
    fields.product_name.input.focus();
  };
  return { root, edit };
}

function draw(product, again, edit) {
  const remove = () => ask(`Take ${product.short_code} out of the catalogue?`,
    "Its licenses stay. Rows for it are rejected from then on, unless the catalogue is empty then.",
    "Remove the product", async () => {
      await post(`products/${product.id}/`, {}, { method: "DELETE" });
      say(`${product.short_code} is removed`);
      again();
    });
  return row(columns, [
    user(product.short_code), product.product_name && user(product.product_name), product.license_type,
    product.max_activations === null ? "" : number(product.max_activations),
    h("div", { class: "actions" },
      h("button", { type: "button", class: "button small", "aria-label": `Change ${product.short_code}`, on: { click: () => edit(product) } }, "Change"),
      h("button", { type: "button", class: "button small", "aria-label": `Remove ${product.short_code}`, on: { click: remove } }, "Remove")),
  ]);
}
