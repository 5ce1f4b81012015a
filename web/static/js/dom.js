// Making elements. Text becomes text nodes only: content of files and answers
// never becomes markup.

/**
 * h makes an element: h("a", { href: "#/", class: "button" }, "Go").
 * Attributes that are null, undefined or false are left out, true is an empty
 * one; `on` holds listeners by event name. Children may be nested arrays; those
 * that are null, undefined or false are left out.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...nodes(children));
  return element;
}

/** fill replaces what is in an element. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** user is text that a person wrote; the browser finds its direction (dir="auto"). */
export function user(text, attributes = {}) {
  return h("bdi", attributes, text);
}

/** columnName is a column's name; lines break after underscores only. */
export function columnName(name) {
  const parts = name.match(/[^_]+_*|_+/g) || [];
  return h("code", { class: "column-name" }, parts.map((part) => [part, h("wbr")]));
}

/** say announces a sentence to screen readers, politely. */
export function say(sentence) {
  const live = document.getElementById("live");
  live.textContent = live.textContent === sentence ? sentence + "\u00a0" : sentence;
}

/** focusOn moves the focus to an element and makes it focusable if needed. */
export function focusOn(element, options) {
  if (!element) return;
  if (!element.hasAttribute("tabindex")) element.setAttribute("tabindex", "-1");
  element.focus(options);
}

/** uniqueId names an element for a label or a description. */
export function uniqueId(prefix) {
  ids += 1;
  return `${prefix}-${ids}`;
}

let ids = 0;

function nodes(children) {
  return children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false).map((c) => (c instanceof Node ? c : String(c)));
}
