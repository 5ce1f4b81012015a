// What the columns of a file become: one table to check and to change, what is missing, the dates' format, and the
// first rows as they will be.

import { columnLabel, labelOf } from "../labels.js";
import { fill, h, say, uniqueId, user } from "../dom.js";
import { beginning } from "../format.js";
import { isWhole, saveMapping } from "../inspect.js";
import { choose, dateFormats, hasDates, identities, ignored, isIdentity, mappingOf, missing, open, previewOf } from "../mapping.js";
import { working } from "./notice.js";
import { picker } from "./picker.js";
import { row, table } from "./table.js";
import { values } from "./values.js";

const shape = [{ label: "In your file", class: "lead" }, { label: "Samples" }, { label: "Becomes", class: "becomes" }];
const none = "Ignore this column";

/**
 * mapper shows and changes a state of mapping.js. changed() is called after each change. root is its element.
 */
export function mapper({ state, file, changed }) {
  const choices = Object.values(state.types).map((c) => ({ value: c.name, label: labelOf(c.name), note: c.name }));
  const pickers = new Map();
  const gaps = h("div", { class: "stack" });
  const dates = h("div");
  const left = h("p", { class: "hint" });
  const preview = h("div", { class: "stack" });
  const asked = new Set(missing(state)); // a gap that is filled keeps its field

  const words = values(state, { cut: !isWhole(file), changed: () => update() });

  const update = () => {
    for (const name of missing(state)) asked.add(name);
    drawGaps(gaps, state, [...asked], update);
    fill(left, ignoredSentence(state));
    dates.hidden = !(state.ambiguous || hasDates(state));
    words.update();
    drawPreview(preview, state);
    changed();
  };
  const pick = (c) => (column) => {
    const before = choose(state, c.header, column || null);
    if (column) asked.delete(column);
    if (before) {
      pickers.get(before).set("");
      say(`${before} is ignored now: ${labelOf(column)} comes from ${c.header}.`);
    }
    update();
  };
  const lines = state.columns.map((c) => {
    const p = picker({ label: `${c.header} becomes`, choices, none, value: c.column || "", chosen: pick(c) });
    pickers.set(c.header, p);
    return row(shape, [user(c.header), samples(c), [p.root, doubt(c)]]);
  });
  fill(dates, dateChoice(state, update));
  update();
  return {
    root: h("div", { class: "stack mapper" },
      h("h3", {}, "What your columns become"),
      state.saved && h("p", { class: "hint" }, "Filled in from the saved mapping ", user(state.saved, { class: "value" }), ", which was made for these columns."),
      h("div", {}, table("What your columns become", shape, lines)),
      left, gaps, dates, words.root, preview, saving(state, file)),
  };
}

function samples(c) {
  const given = (c.samples || []).filter((s) => s !== "").slice(0, 3);
  if (given.length === 0) return h("span", { class: "soft" }, "empty");
  return h("div", { class: "samples" }, given.map((s) => user(beginning(s, 40), { class: "value" })));
}

/** doubt says why a column was suggested, where that is not sure. */
function doubt(c) {
  if (!c.column || !c.why || c.confidence >= 0.85) return null;
  return h("p", { class: "hint" }, `A guess, please check: ${c.why}.`);
}

function ignoredSentence(state) {
  const names = ignored(state);
  if (names.length === 0) return "Every column of the file is read.";
  return [`${names.length === 1 ? "This column is" : "These columns are"} ignored: `, names.map((n, i) => [i > 0 && ", ", user(n)]), "."];
}

/** drawGaps asks for one value for all rows in the place of what the file does not have. */
function drawGaps(place, state, asked, update) {
  const version = asked.join();
  if (place.dataset.version === version) return;
  place.dataset.version = version;
  place.hidden = asked.length === 0;
  fill(place, asked.map((name) => h("div", { class: "notice busy gap" },
    h("strong", {}, `Your file has no “${labelOf(name)}”`),
    isIdentity(name) ? keyAdvice(state, name) : oneForAll(state, name, update))));
}

/** keyAdvice says how to go on without keys: one key for all rows is never meant. */
function keyAdvice({ kind, vendor }, name) {
  const { needs, one, many, all } = identities[name];
  return [
    vendor && h("p", { class: "detail" }, `This looks like an export from ${vendor}, which holds no ${all}.`),
    h("p", { class: "detail" }, `Every ${kind.one} needs ${needs}. If one of your columns holds the ${many}, choose it above. If none does, add a column named “${labelOf(name)}” to the file, with one ${one} in each row, and choose the file again.`),
  ];
}

function oneForAll(state, name, update) {
  const id = uniqueId("gap");
  const take = (field) => () => {
    state.set[name] = field.value.trim();
    update();
  };
  const attributes = { class: "input", id, "aria-describedby": `${id}-hint` };
  const products = name === "product__short_code" ? state.products : [];
  const field = products.length > 0
    ? h("select", attributes, h("option", { value: "" }, "Please choose"),
      products.map((p) => h("option", { value: p.short_code, selected: p.short_code === state.set[name] }, p.product_name ? `${p.product_name} (${p.short_code})` : p.short_code)))
    : h("input", { ...attributes, value: state.set[name] || "", autocomplete: "off", spellcheck: "false" });
  field.addEventListener("input", take(field));
  return h("div", { class: "field" }, h("label", { for: id }, `${labelOf(name)} for all rows`), field,
    h("p", { class: "hint", id: `${id}-hint` }, "Or choose above which column it is."));
}

function dateChoice(state, update) {
  const id = uniqueId("dates");
  const select = h("select", { class: "input", id, "aria-describedby": `${id}-hint`, on: { change: () => {
    state.dateFormat = select.value;
    update();
  } } },
    !state.dateFormat && h("option", { value: "" }, "Please choose"),
    dateFormats.map(([value, example]) => h("option", { value, selected: value === state.dateFormat }, example)));
  return h("div", { class: "field date-format" }, h("label", { for: id }, "How 4 March 2027 is written in this file"), select,
    h("p", { class: "hint", id: `${id}-hint` }, state.ambiguous
      ? "The dates in this file may be read with the day or with the month first, or have several forms. Only you know which is meant."
      : "Found in the file’s dates. Change it if the preview shows other dates."));
}

function drawPreview(place, state) {
  place.hidden = state.rows.length === 0;
  if (place.hidden) return;
  const { columns, rows } = previewOf(state);
  fill(place, h("h3", {}, rows.length === 1 ? "The first row as it will be" : `The first ${rows.length} rows as they will be`),
    columns.length === 0
      ? h("p", { class: "hint" }, "Nothing yet: every column is ignored.")
      : h("div", { class: "wide-table", tabindex: "0", role: "region", "aria-label": "The first rows as they will be" },
        h("table", { class: "preview" },
          h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, columnLabel(name))))),
          h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map(previewCell)))))));
}

function previewCell({ text, taken }) {
  return h("td", { class: taken ? null : "refused" }, text === "" ? h("span", { class: taken ? "soft" : null }, "empty") : user(beginning(text, 60)), !taken && h("div", { class: "under" }, "will be rejected"));
}

/** saving stores the mapping, to be proposed for the next file with the same columns. */
function saving(state, file) {
  const id = uniqueId("save");
  const name = h("input", { class: "input", id, value: state.saved || file.name.replace(/\.[^.]*$/, "").toLowerCase().replaceAll(/[^a-z0-9]+/g, "-"), autocomplete: "off", spellcheck: "false" });
  const button = h("button", { type: "button", class: "button" }, "Save");
  const done = h("p", { class: "hint", role: "status" });
  button.addEventListener("click", () => working(button, async () => {
    done.textContent = "";
    await saveMapping(name.value.trim(), mappingOf(state));
    done.textContent = `Saved. The next file with these columns is filled in by itself.`;
  }));
  return h("details", {}, h("summary", {}, "Save this for the next file"),
    h("div", { class: "field" }, h("label", { for: id }, "Name of the mapping"), h("div", { class: "joined" }, name, button)), done);
}

/** openPoints is what is to be done before the file can be sent; empty: nothing. */
export function openPoints(state) {
  const points = open(state);
  return points.length > 0 ? h("ul", { class: "bullets" }, points.map((p) => h("li", {}, p))) : null;
}
