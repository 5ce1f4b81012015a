// What the values of a file become, where a license has other words for them: shown, and to be changed.

import { hasFewValues, isRefused, normalCell, questions, translate, translationOf } from "../cells.js";
import { fill, h, uniqueId, user } from "../dom.js";
import { labelOf } from "../labels.js";
import { row, table } from "./table.js";

const shape = [{ label: "Value", class: "lead" }, { label: "Column" }, { label: "Becomes", class: "becomes" }];
const asIs = "as-is";
const other = "other";

/**
 * values draws the state's questions into its root. update() draws them again where there are others than before; changed() is
 * called after each change.
 */
export function values(state, { cut, changed }) {
  const root = h("div", { class: "stack" });
  let drawn = "";
  return {
    root,
    update() {
      const asked = questions(state);
      const version = JSON.stringify(asked.map((c) => [c.header, c.column, c.cells]));
      root.hidden = asked.length === 0;
      if (version === drawn) return;
      drawn = version;
      for (const c of asked) {
        for (const cell of c.cells) if (translationOf(state, c.column, cell) !== undefined) c.asked.add(normalCell(cell)); // it stays in the list
      }
      fill(root, h("h3", {}, "Values in your file"),
        h("p", { class: "hint" }, `A ${state.kind.one} holds other values than these. Check what each one becomes.`,
          cut && " They were found in the first part of the file; “Check first” finds those further down."),
        h("div", {}, table("Values in your file", shape, asked.flatMap((c) => c.cells.map((cell) => line(state, c, cell, changed))))));
    },
  };
}

function line(state, c, cell, changed) {
  const note = h("p", { class: "hint wrong" }, "Rows with this value are rejected.");
  const mark = () => { note.hidden = !isRefused(state, c.column, cell); };
  const take = (to) => {
    translate(state, c.column, cell, to);
    mark();
    changed();
  };
  mark();
  return row(shape, [user(cell, { class: "value" }), [user(c.header), " becomes ", h("b", {}, labelOf(c.column))], [answer(state, c, cell, take), note]]);
}

/** answer is the select of what a cell may become, with a field for another value where the column is not of a few words. */
function answer(state, c, cell, take) {
  const label = `${cell} becomes`;
  const words = choices(state, c.column);
  const free = !hasFewValues(state, c.column);
  const to = translationOf(state, c.column, cell);
  const listed = to === undefined || to === "" || words.some(([value]) => value === to);
  const id = uniqueId("value");
  const input = h("input", {
    class: "input", id, value: listed ? "" : to, hidden: listed, "aria-label": `${label} this value`, autocomplete: "off", spellcheck: "false",
    on: { input: () => take(input.value.trim() || undefined) },
  });
  const select = h("select", { class: "input", "aria-label": label, on: { change: () => {
    input.hidden = select.value !== other;
    if (!input.hidden) input.focus();
    take(select.value === other ? input.value.trim() || undefined : select.value === asIs ? undefined : select.value.slice(1));
  } } },
    h("option", { value: asIs, selected: to === undefined }, "Leave it as it is"),
    h("option", { value: "=", selected: to === "" }, "Empty: not given"),
    words.map(([value, text]) => h("option", { value: `=${value}`, selected: to === value }, text)),
    free && h("option", { value: other, selected: !listed }, "Another value…"));
  return [select, free && input];
}

/** choices are the values that a column has, with what they are called. */
function choices(state, column) {
  if (column === "product__short_code") return state.products.map((p) => [p.short_code, p.product_name ? `${p.product_name} (${p.short_code})` : p.short_code]);
  const { type, choices: words = [] } = state.types[column] || {};
  if (type === "bool") return [["true", "true (yes)"], ["false", "false (no)"]];
  return words.map((word) => [word, word]);
}
