// A chosen file before it is sent: its options, and what its columns become where their names do not say it.

import { fill, h, uniqueId, user } from "../dom.js";
import { bytes } from "../format.js";
import { inspect, isLarge, products, savedMappings } from "../inspect.js";
import { begin, hasTwins, isPlain, queryOf } from "../mapping.js";
import { onPage, uploadAdviceFor } from "../words.js";
import { mapper, openPoints } from "./mapper.js";
import { notice } from "./notice.js";
import { options } from "./options.js";

const refused = [400, 413, 415];

/**
 * ready is the panel of a chosen file. given preselects options. With settled, the text of the one button, the file
 * and its options were checked before. send(query) uploads it, back() returns to the choice of a file.
 */
export function ready({ file, kind, given, settled, send, back, signal }) {
  const place = h("div", { class: "stack" });
  const root = h("div", { class: "sheet stack" },
    h("div", { class: "heading" }, h("h2", {}, user(file.name)), h("span", { class: "soft" }, bytes(file.size))), place);
  if (settled) checked(place, { kind, given, settled, send, back });
  else look(place, { file, kind, given, send, back, signal, sheet: given.sheet || "" });
  return root;
}

/** mappingOf are the parameters of an earlier upload that say what the columns become. */
function mappingOf({ mapping, map, set, ignore, value, date_format: dates, sheet }) {
  return { mapping, map, set, ignore, value, date_format: dates, sheet };
}

function checked(place, { kind, given, settled, send, back }) {
  const chosen = options(kind, given);
  fill(place, h("details", {}, h("summary", {}, "Options"), chosen.root),
    buttons([[settled, () => ({ ...mappingOf(given), ...chosen.values() })]], send, back));
}

/** look inspects the file and shows the one panel or the other. A large workbook it inspects only where that was asked for. */
async function look(place, all) {
  const { file, kind, given, signal, sheet, asked } = all;
  if (isLarge(file) && !asked) return plain(place, all, large(() => look(place, { ...all, asked: true })));
  const another = async (next) => {
    await look(place, { ...all, sheet: next });
    place.querySelector(".sheet-choice select")?.focus();
  };
  const late = setTimeout(() => fill(place, h("p", { class: "soft" }, "Looking at the file…")), 300);
  try {
    const [inspected, mappings, columns, catalogue] = await Promise.all([
      inspect(file, kind, { sheet, delimiter: given.delimiter, encoding: given.encoding, signal }), savedMappings(kind, signal), allColumns(kind, signal), products(signal),
    ]);
    clearTimeout(late);
    if (!inspected) return plain(place, all, null);
    const state = begin(inspected, { kind, mappings, given, columns, products: catalogue });
    const corrected = inspected.columns.some((c) => c.header.trim().toLowerCase() === "error__mapping"); // it names its mapping itself
    const sheets = sheetChoice(inspected.sheets || [], inspected.sheet, another);
    const found = { ...all, given: { ...given, encoding: inspected.encoding === "windows-1252" ? "windows-1252" : given.encoding } };
    if (corrected || isPlain(state) || hasTwins(state)) plain(place, found, sheets);
    else mapped(place, found, sheets, state);
  } catch (error) {
    clearTimeout(late);
    if (error.name === "AbortError") return;
    if (refused.includes(error.status)) unreadable(place, error, all.back, otherSheets(error, another));
    else plain(place, all, null); // the upload itself will tell
  }
}

async function allColumns(kind, signal) {
  const all = await (await fetch(new URL("../../columns.json", import.meta.url), { signal })).json();
  return all.filter((c) => kind.columns.includes(c.name));
}

/** large says what looking at a large workbook costs. */
function large(agree) {
  return notice("calm", "This is a large workbook",
    h("p", { class: "detail" }, "To show what its columns become, the page has to send it to the server once before the import. If its columns have the names of the template already, import it right away."),
    h("div", { class: "actions" }, h("button", { type: "button", class: "button", on: { click: agree } }, "Look at its columns")));
}

/** otherSheets is the choice among the sheets that a refusal names; null: it names none. */
function otherSheets(error, choose) {
  const names = error.errors.map(({ parameter = "" }) => /^sheet=(.+)$/s.exec(parameter)?.[1]).filter(Boolean);
  return sheetChoice(names.length > 0 ? ["", ...names] : [], "", choose);
}

function plain(place, all, sheets) {
  const { kind, given, send, back, sheet } = all;
  const chosen = options(kind, given);
  const button = () => (chosen.values().dry_run ? "Check the file" : "Import the file");
  const actions = buttons([[button(), () => ({ sheet, ...chosen.values() })]], send, back);
  chosen.root.onchange = () => { actions.firstChild.textContent = button(); };
  chosen.onReading(() => look(place, { ...all, given: { ...given, ...reading(chosen) } }));
  fill(place, sheets, chosen.root, actions);
}

/** reading is how the file is to be read, as the options say. */
function reading(chosen) {
  const { delimiter = "", encoding = "" } = chosen.values();
  return { ...chosen.values(), delimiter, encoding };
}

function mapped(place, all, sheets, state) {
  const { file, kind, given, send, back, sheet } = all;
  const { unknown_columns: _, dry_run: __, ...rest } = given;
  const chosen = options(kind, rest, { mapped: true });
  const todo = h("div");
  const query = (more) => () => ({ sheet, ...queryOf(state), ...chosen.values(), ...more });
  const actions = buttons([["Check first", query({ dry_run: "true" })], ["Import", query({})]], send, back);
  const part = mapper({
    state, file,
    changed: () => {
      const points = openPoints(state);
      fill(todo, points && notice("busy", "Before you go on", points));
      for (const button of actions.querySelectorAll(".send")) button.disabled = Boolean(points);
    },
  });
  chosen.onReading(() => look(place, { ...all, given: { ...given, ...queryOf(state), ...reading(chosen) } }));
  fill(place, sheets, part.root, chosen.root, todo, actions,
    h("p", { class: "hint" }, "“Check first” shows what would be rejected and what would change. Nothing is imported."));
}

function sheetChoice(sheets, chosen, choose) {
  if (sheets.length < 2) return null;
  const id = uniqueId("sheet");
  const select = h("select", { class: "input", id, on: { change: () => choose(select.value) } },
    sheets.map((name) => h("option", { value: name, selected: name === chosen }, name || "Please choose")));
  return h("div", { class: "field sheet-choice" }, h("label", { for: id }, "Sheet of the workbook"), select);
}

function unreadable(place, error, back, sheets) {
  const advice = uploadAdviceFor(error.code);
  fill(place, notice(sheets ? "busy" : "bad", sheets ? "This sheet is empty" : "This file cannot be imported", h("p", { class: "detail" }, onPage(error.message)), !sheets && advice && h("p", { class: "detail" }, advice)),
    sheets, buttons([], null, back));
}

/** buttons send the file with a query; the first is the main one where it is the only one, else the last. */
function buttons(sends, send, back) {
  return h("div", { class: "actions" },
    sends.map(([text, query], i) => h("button", {
      type: "button", class: `button send${i === sends.length - 1 ? " primary" : ""}`, on: { click: () => send(query()) },
    }, text)),
    h("button", { type: "button", class: "button", on: { click: back } }, "Choose another file"));
}
