import { h, uniqueId } from "../dom.js";

/** field is a labelled input with a hint; attributes are the input's. Its value is trimmed text. */
export function field(label, attributes = {}, hint = null) {
  const id = uniqueId("field");
  const input = h("input", {
    class: "input", id, type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
    "aria-describedby": hint && `${id}-hint`, ...attributes,
  });
  return { input, get value() { return input.value.trim(); }, root: labelled(id, label, input, hint) };
}

/** choice is a labelled select; options are [value, label] each. hint is its element, if it has one. */
export function choice(label, options, hint = null) {
  const id = uniqueId("field");
  const input = h("select", { class: "input", id, "aria-describedby": hint && `${id}-hint` }, options.map(([value, text]) => h("option", { value }, text)));
  const root = labelled(id, label, input, hint);
  return { input, get value() { return input.value; }, root, hint: root.querySelector(".hint") };
}

function labelled(id, label, input, hint) {
  return h("div", { class: "field" }, h("label", { for: id }, label), input, hint && h("p", { class: "hint", id: `${id}-hint` }, hint));
}
