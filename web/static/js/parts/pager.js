import { h, uniqueId } from "../dom.js";
import { number } from "../format.js";

/**
 * pager moves through a list of count rows, size a page, page counted from 1.
 * href(page) is a page's address, goTo(page) moves there. One page: null.
 */
export function pager({ page, size, count, noun, href, goTo }) {
  const last = Math.max(1, Math.ceil(count / size));
  if (last === 1 && page === 1) return null;
  const step = (label, target, possible) => (possible
    ? h("a", { class: "button small", href: href(target) }, label)
    : h("span", { class: "button small", "aria-disabled": "true" }, label));
  return h("nav", { class: "pager", "aria-label": `Pages of ${noun}` },
    h("span", { class: "soft" }, `${number(Math.min((page - 1) * size + 1, count))}–${number(Math.min(page * size, count))} of ${number(count)}`),
    h("div", { class: "actions" },
      step("Previous", page - 1, page > 1),
      step("Next", page + 1, page < last),
      last > 3 && jump(page, last, goTo)));
}

function jump(page, last, goTo) {
  const id = uniqueId("page");
  const input = h("input", { class: "input", id, type: "number", min: 1, max: last, value: page, inputmode: "numeric", required: true });
  const submit = (e) => {
    e.preventDefault();
    goTo(Math.min(last, Math.max(1, input.valueAsNumber || 1)));
  };
  return h("form", { on: { submit } },
    h("label", { for: id }, "Page"), input, h("span", { class: "soft" }, `of ${number(last)}`),
    h("button", { class: "button small" }, "Go"));
}
