// A select with search: a field that filters a list of choices while one types (an ARIA combobox).

import { fill, h, uniqueId } from "../dom.js";

/**
 * picker has a root, the input, and set(value). choices are { value, label, note }; none is the label of "".
 * chosen(value) is called when the user has chosen.
 */
export function picker({ label, choices, none, value = "", chosen }) {
  const id = uniqueId("picker");
  const all = [{ value: "", label: none, note: "" }, ...choices];
  let current = value;
  let shown = [];
  let active = -1;
  const list = h("ul", { id: `${id}-list`, class: "picker-list", role: "listbox", "aria-label": label, hidden: true });
  const input = h("input", {
    class: "input", id, role: "combobox", autocomplete: "off", autocapitalize: "off", spellcheck: "false", "aria-label": label,
    "aria-expanded": "false", "aria-controls": `${id}-list`, "aria-autocomplete": "list",
  });

  const text = () => all.find((c) => c.value === current)?.label || current;
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    input.value = text();
    root.classList.toggle("is-none", current === "");
  };
  const move = (to) => {
    active = to;
    for (const [i, item] of [...list.children].entries()) item.setAttribute("aria-selected", String(i === active));
    const item = list.children[active];
    if (!item) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
  };
  const take = (choice) => {
    const changed = choice.value !== current;
    current = choice.value;
    close();
    if (changed) chosen(current);
  };
  const open = (words) => {
    const sought = words.trim().toLowerCase().split(/\s+/);
    shown = all.filter((c) => sought.every((w) => `${c.label} ${c.value} ${c.note}`.toLowerCase().includes(w)));
    fill(list, shown.length === 0
      ? h("li", { class: "soft", role: "option", "aria-disabled": "true", "aria-selected": "false" }, "Nothing matches")
      : shown.map((c, i) => h("li", {
        id: `${id}-${i}`, role: "option", "aria-selected": "false",
        on: { pointerdown: (e) => e.preventDefault(), click: () => take(c) },
      }, h("span", {}, c.label), c.note && h("span", { class: "under" }, c.note))));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    move(words === "" ? shown.findIndex((c) => c.value === current) : shown.length > 0 ? 0 : -1);
  };
  const keys = {
    ArrowDown: () => (list.hidden ? open("") : move(Math.min(active + 1, shown.length - 1))),
    ArrowUp: () => (list.hidden ? open("") : move(Math.max(active - 1, 0))),
    Home: () => !list.hidden && move(0),
    End: () => !list.hidden && move(shown.length - 1),
    Enter: () => !list.hidden && shown[active] && take(shown[active]),
    Escape: () => close(),
  };
  input.addEventListener("keydown", (e) => {
    if (!keys[e.key] || (list.hidden && !["ArrowDown", "ArrowUp"].includes(e.key))) return;
    e.preventDefault();
    keys[e.key]();
  });
  input.addEventListener("input", () => open(input.value));
  input.addEventListener("click", () => list.hidden && open(""));
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", close);
  const root = h("div", { class: "picker" }, input, list);
  close();
  return {
    root, input,
    set(next) {
      current = next;
      close();
    },
  };
}
