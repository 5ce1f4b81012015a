// What the columns of a file become: the state of a mapping before it is sent. No elements here.

import { cellOf, isTaken, suggested, translate, translationOf } from "./cells.js";
import { kindNamed } from "./kinds.js";
import { labelOf } from "./labels.js";

/** dateFormats are those that a mapping may name, each with what 4 March 2027 looks like. */
export const dateFormats = [
  ["YYYY-MM-DD", "2027-03-04"], ["MM/DD/YYYY", "03/04/2027 (month first)"], ["DD/MM/YYYY", "04/03/2027 (day first)"],
  ["DD.MM.YYYY", "04.03.2027"], ["YYYY/MM/DD", "2027/03/04"], ["D MMM YYYY", "4 Mar 2027"],
];

/** identities are the columns that tell one row from another and never have one value for all rows, in words. */
export const identities = {
  license__license_key: { needs: "its own key", one: "key", many: "keys", all: "license keys" },
  license_key: { needs: "the key of its license", one: "key", many: "keys", all: "license keys" },
  email: { needs: "its own address", one: "address", many: "e-mail addresses", all: "e-mail addresses" },
};

/** isIdentity reports whether a column is one of the identities. */
export const isIdentity = (name) => name in identities;

const same = (a, b) => normal(a) === normal(b);
const normal = (header) => header.trim().toLowerCase();
const isOurs = (header) => normal(header) === "" || normal(header).startsWith("error__");

/**
 * begin is the state of a file that was inspected: columns ({ header, index, samples, values, translations, column, why,
 * confidence }), set (column → value), values (column → cell → value), dateFormat ("": must be chosen), required, saved (the name
 * of the mapping in use, or ""). columns are all columns of an import, products those of the catalogue.
 * A saved mapping for this very header is applied, or what an earlier upload has given.
 */
export function begin(inspected, { kind = kindNamed(""), mappings = [], given = {}, columns = [], products = [] } = {}) {
  const state = {
    kind,
    columns: inspected.columns.map((c, index) => ({ ...c, index, column: c.column || null, asked: new Set() })).filter((c) => !isOurs(c.header)),
    set: {}, values: {}, saved: "", savedMapping: null, vendor: inspected.vendor || "",
    rows: inspected.first_rows, products, types: Object.fromEntries(columns.map((c) => [c.name, c])),
    dateFormat: inspected.date_format === "ambiguous" ? "" : inspected.date_format || "YYYY-MM-DD",
    ambiguous: inspected.date_format === "ambiguous",
    required: inspected.missing || [],
  };
  for (const c of state.columns) suggest(state, c);
  const known = mappings.find((m) => !m.builtin && fits(m, state.columns));
  if (given.map || given.ignore || given.set) applyGiven(state, given);
  else if (known) apply(state, known);
  return state;
}

/** suggest takes over what the cells of a column of the file obviously mean. */
function suggest(state, c) {
  if (c.column) state.values[c.column] = suggested(state, c, c.column);
}

/** fits reports whether a saved mapping is for this very header. */
function fits(mapping, columns) {
  const headers = Object.keys(mapping.columns || {});
  return headers.length > 0 && headers.length === columns.length && columns.every((c) => headers.some((header) => same(header, c.header)));
}

function apply(state, mapping) {
  for (const c of state.columns) {
    const [, column] = Object.entries(mapping.columns).find(([header]) => same(header, c.header));
    Object.assign(c, { column, why: "", confidence: 1 });
    suggest(state, c);
  }
  translateAll(state, Object.entries(mapping.values || {}).flatMap(([column, cells]) => Object.entries(cells).map((pair) => [column, ...pair])));
  Object.assign(state, { set: { ...mapping.set }, saved: mapping.name, savedMapping: mapping, ambiguous: false });
  state.dateFormat = mapping.date_format || state.dateFormat || "YYYY-MM-DD";
}

function translateAll(state, entries) {
  for (const [column, cell, to] of entries) translate(state, column, cell, to);
}

/** applyGiven takes over the parameters of an earlier upload, such as one that was refused. */
function applyGiven(state, given) {
  const list = (name) => [given[name] || []].flat();
  const cut = (entry, at) => [entry.slice(0, at), entry.slice(at + 1)];
  for (const [header, column] of list("map").map((entry) => cut(entry, entry.lastIndexOf(":")))) {
    if (state.columns.some((c) => c.header === header)) choose(state, header, column);
  }
  for (const header of list("ignore")) if (state.columns.some((c) => c.header === header)) choose(state, header, null);
  for (const [column, value] of list("set").map((entry) => cut(entry, entry.indexOf(":")))) state.set[column] = value;
  state.values = {};
  translateAll(state, list("value").map((entry) => {
    const [column, rest] = cut(entry, entry.indexOf(":"));
    return [column, ...cut(rest, rest.lastIndexOf(":"))];
  }));
  Object.assign(state, { saved: given.mapping || "", dateFormat: given.date_format || state.dateFormat || "YYYY-MM-DD" });
}

/** isPlain reports whether the file needs no mapping: each header is a column's name, nothing is missing or to be translated. */
export function isPlain(state) {
  return missing(state).length === 0 && !state.ambiguous && state.dateFormat === "YYYY-MM-DD" && valuesInUse(state).length === 0 &&
    state.columns.every((c) => c.column && same(c.header, c.column));
}

/** hasTwins reports whether two columns of the file have one name: they cannot be told apart, and the upload says so. */
export function hasTwins(state) {
  return new Set(state.columns.map((c) => normal(c.header))).size < state.columns.length;
}

/** required columns that neither the file nor a value for all rows gives. */
export function missing(state) {
  const needed = [...state.kind.required, ...state.required];
  return [...new Set(needed)].filter((name) => !state.columns.some((c) => c.column === name) && !state.set[name]);
}

/** ignored are the headers of the file that become nothing. */
export function ignored(state) {
  return state.columns.filter((c) => !c.column).map((c) => c.header);
}

/** choose says what a column of the file becomes. It returns the header that had this column before, or "". */
export function choose(state, header, column) {
  const before = column ? state.columns.find((c) => c.column === column && c.header !== header) : null;
  if (before) before.column = null;
  if (column) delete state.set[column];
  const chosen = state.columns.find((c) => c.header === header);
  Object.assign(chosen, { column, why: "", confidence: 1, asked: new Set() });
  suggest(state, chosen);
  return before?.header || "";
}

/** open are the sentences for what is to be done before the file can be sent. */
export function open(state) {
  return [
    ...missing(state).map((name) => (isIdentity(name)
      ? `Choose the column that holds the ${name === "email" ? "e-mail addresses" : "license keys"}.`
      : `Choose what becomes “${labelOf(name)}”, or give it one value for all rows.`)),
    !state.dateFormat && hasDates(state) && "Choose how the dates are written.",
  ].filter(Boolean);
}

/** hasDates reports whether a column of the file becomes a date. */
export function hasDates(state) {
  return state.columns.some((c) => state.types[c.column]?.type === "date");
}

/** valuesInUse are the translations for the columns that the file gives: column, cell, what it becomes. */
function valuesInUse(state) {
  return Object.entries(state.values).filter(([column]) => state.columns.some((c) => c.column === column))
    .flatMap(([column, cells]) => Object.entries(cells).map(([cell, to]) => [column, cell, to]));
}

/** savedInUse reports whether all that the saved mapping sets and translates still holds: a query cannot take it back. */
function savedInUse(state) {
  const { set = {}, values = {} } = state.savedMapping || {};
  return Object.keys(set || {}).every((name) => state.set[name]) && Object.entries(values || {}).every(([column, cells]) =>
    Object.keys(cells).every((cell) => translationOf(state, column, cell) !== undefined));
}

/** queryOf are the parameters of the upload. */
export function queryOf(state) {
  return {
    mapping: savedInUse(state) ? state.saved : "",
    map: state.columns.filter((c) => c.column && !same(c.header, c.column)).map((c) => `${c.header}:${c.column}`),
    ignore: ignored(state),
    set: Object.entries(state.set).filter(([, value]) => value).map((pair) => pair.join(":")),
    value: valuesInUse(state).map((entry) => entry.join(":")),
    date_format: hasDates(state) && state.dateFormat !== "YYYY-MM-DD" ? state.dateFormat : "",
  };
}

/** mappingOf is the mapping to be saved. */
export function mappingOf(state) {
  const used = new Set(valuesInUse(state).map(([column]) => column));
  return {
    kind: state.kind.name,
    columns: Object.fromEntries(state.columns.map((c) => [c.header, c.column])),
    set: Object.fromEntries(Object.entries(state.set).filter(([, value]) => value)),
    date_format: state.dateFormat || "YYYY-MM-DD",
    values: Object.fromEntries(Object.entries(state.values).filter(([column]) => used.has(column))),
  };
}

/** previewOf are the columns that the import will have, and the first rows in them: { text, taken } each. */
export function previewOf(state) {
  const given = Object.entries(state.set).filter(([, value]) => value);
  const mapped = state.columns.filter((c) => c.column);
  const cell = (column, sent) => {
    const text = cellOf(state, column, sent);
    return { text, taken: isTaken(state, column, text) && !(text === "" && state.kind.required.includes(column)) };
  };
  return {
    columns: [...mapped.map((c) => c.column), ...given.map(([name]) => name)],
    rows: state.rows.map((row) => [
      ...mapped.map((c) => cell(c.column, row[c.index] ?? "")),
      ...given.map(([column, value]) => cell(column, value)),
    ]),
  };
}
