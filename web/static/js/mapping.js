// What the columns of a file become: the state of a mapping before it is sent. No elements here.

import { get, post } from "./api.js";
import { labelOf } from "./labels.js";

const beginning = 1 << 20; // bytes; as much as the server looks at
const largestWorkbook = 64 << 20; // is sent whole: its table of contents stands at its end

/** dateFormats are those that a mapping may name, each with what 4 March 2027 looks like. */
export const dateFormats = [
  ["YYYY-MM-DD", "2027-03-04"], ["MM/DD/YYYY", "03/04/2027 (month first)"], ["DD/MM/YYYY", "04/03/2027 (day first)"],
  ["DD.MM.YYYY", "04.03.2027"], ["YYYY/MM/DD", "2027/03/04"], ["D MMM YYYY", "4 Mar 2027"],
];

const isWorkbook = (file) => /\.xlsx$/i.test(file.name);

/** isInspectable reports whether the server can tell something from what inspect sends of a file. */
export function isInspectable(file) {
  return isWorkbook(file) ? file.size <= largestWorkbook : !/\.gz$/i.test(file.name); // the beginning of a gzip file cannot be unpacked
}

/** inspect sends a file's beginning and returns what its columns seem to be. */
export async function inspect(file, { sheet, delimiter, encoding, signal } = {}) {
  const form = new FormData();
  form.append("file", isWorkbook(file) ? file : file.slice(0, beginning), file.name);
  return post("imports/inspect/", isWorkbook(file) ? { sheet } : { delimiter, encoding }, { body: form, signal });
}

/** savedMappings are the mappings of the server, by what a file's header must be; none if they cannot be read. */
export async function savedMappings(signal) {
  try {
    return (await get("import-mappings/", { signal, query: { limit: 100 } })).results;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return [];
  }
}

/** saveMapping stores a mapping under a name. */
export function saveMapping(name, state) {
  return post(`import-mappings/${encodeURIComponent(name)}/`, {}, {
    method: "PUT", body: JSON.stringify(mappingOf(state)), headers: { "Content-Type": "application/json" },
  });
}

const same = (a, b) => normal(a) === normal(b);
const normal = (header) => header.trim().toLowerCase();
const isOurs = (header) => normal(header) === "" || normal(header).startsWith("error__");

/**
 * begin is the state of a file that was inspected: columns ({ header, samples, column, why, confidence }), set
 * (column → value), dateFormat ("": must be chosen), required, saved (the name of the mapping in use, or "").
 * A saved mapping for this very header is applied, or what an earlier upload has given.
 */
export function begin(inspected, mappings = [], given = {}) {
  const columns = inspected.columns.filter((c) => !isOurs(c.header)).map((c) => ({ ...c, column: c.column || null }));
  const state = {
    columns, set: {}, values: {}, saved: "", savedSet: [],
    dateFormat: inspected.date_format === "ambiguous" ? "" : inspected.date_format || "YYYY-MM-DD",
    ambiguous: inspected.date_format === "ambiguous",
    required: inspected.missing || [],
  };
  const known = mappings.find((m) => !m.builtin && fits(m, columns));
  if (given.map || given.ignore || given.set) applyGiven(state, given);
  else if (known) apply(state, known);
  return state;
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
  }
  Object.assign(state, { set: { ...mapping.set }, values: mapping.values, saved: mapping.name, savedSet: Object.keys(mapping.set || {}), ambiguous: false });
  state.dateFormat = mapping.date_format || state.dateFormat || "YYYY-MM-DD";
}

/** applyGiven takes over the parameters of an earlier upload, such as one that was refused. */
function applyGiven(state, given) {
  const pairs = (list) => [list || []].flat().map((entry) => [entry.slice(0, entry.lastIndexOf(":")), entry.slice(entry.lastIndexOf(":") + 1)]);
  for (const [header, column] of pairs(given.map)) if (state.columns.some((c) => c.header === header)) choose(state, header, column);
  for (const header of [given.ignore || []].flat()) if (state.columns.some((c) => c.header === header)) choose(state, header, null);
  for (const entry of [given.set || []].flat()) state.set[entry.slice(0, entry.indexOf(":"))] = entry.slice(entry.indexOf(":") + 1);
  Object.assign(state, { saved: given.mapping || "", dateFormat: given.date_format || state.dateFormat || "YYYY-MM-DD" });
}

/** isPlain reports whether the file needs no mapping: each header is a column's name, and nothing is missing. */
export function isPlain(state) {
  return missing(state).length === 0 && !state.ambiguous && state.dateFormat === "YYYY-MM-DD" && state.columns.every((c) => c.column && same(c.header, c.column));
}

/** hasTwins reports whether two columns of the file have one name: they cannot be told apart, and the upload says so. */
export function hasTwins(state) {
  return new Set(state.columns.map((c) => normal(c.header))).size < state.columns.length;
}

/** required columns that neither the file nor a value for all rows gives. */
export function missing(state) {
  const needed = ["license__license_key", "product__short_code", ...state.required];
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
  Object.assign(state.columns.find((c) => c.header === header), { column, why: "", confidence: 1 });
  return before?.header || "";
}

/** open are the sentences for what is to be done before the file can be sent. */
export function open(state) {
  return [
    ...missing(state).map((name) => `Choose what becomes “${labelOf(name)}”, or give it one value for all rows.`),
    !state.dateFormat && hasDates(state) && "Choose how the dates are written.",
  ].filter(Boolean);
}

const dates = ["license__validity_period", "license__maintenance_period"];

/** hasDates reports whether a column of the file becomes a date. */
export function hasDates(state) {
  return state.columns.some((c) => dates.includes(c.column));
}

/** queryOf are the parameters of the upload. */
export function queryOf(state) {
  return {
    mapping: state.savedSet.every((name) => state.set[name]) ? state.saved : "", // what it sets cannot be taken back
    map: state.columns.filter((c) => c.column && !same(c.header, c.column)).map((c) => `${c.header}:${c.column}`),
    ignore: ignored(state),
    set: Object.entries(state.set).filter(([, value]) => value).map(([name, value]) => `${name}:${value}`),
    date_format: hasDates(state) && state.dateFormat !== "YYYY-MM-DD" ? state.dateFormat : "",
  };
}

function mappingOf(state) {
  return {
    kind: "licenses",
    columns: Object.fromEntries(state.columns.map((c) => [c.header, c.column])),
    set: Object.fromEntries(Object.entries(state.set).filter(([, value]) => value)),
    date_format: state.dateFormat || "YYYY-MM-DD",
    values: state.values,
  };
}

/** previewOf are the columns that the import will have, and the first rows in them. */
export function previewOf(state, rows) {
  const given = Object.entries(state.set).filter(([, value]) => value);
  const columns = [...state.columns.filter((c) => c.column).map((c) => c.column), ...given.map(([name]) => name)];
  return {
    columns,
    rows: rows.map((row) => [
      ...state.columns.filter((c) => c.column).map((c) => cell(state, c, row[c.header] ?? "")),
      ...given.map(([, value]) => value),
    ]),
  };
}

function cell(state, c, value) {
  const text = c.column === "license__note" ? value : value.trim();
  return dates.includes(c.column) ? isoDate(text, state.dateFormat) : text;
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const orders = { "MM/DD/YYYY": "mdy", "DD/MM/YYYY": "dmy", "DD.MM.YYYY": "dmy", "YYYY/MM/DD": "ymd", "D MMM YYYY": "dmy" };

/** isoDate is a date as it will be stored; one of another form stays as it is. */
export function isoDate(text, format) {
  const [, day8601, time] = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}.*))?$/.exec(text) || [];
  if (time) return day8601;
  const order = orders[format];
  const parts = /^(\w+)[/. ,-]+(\w+)[/. ,-]+(\w+)/.exec(text)?.slice(1);
  if (!order || !parts || /^\d{4}-/.test(text)) return text;
  const at = (part) => parts[order.indexOf(part)];
  const month = Number(at("m")) || months.indexOf(at("m").slice(0, 3).toLowerCase()) + 1;
  const [year, day] = [Number(at("y")), Number(at("d"))];
  if (!year || !day || month < 1 || month > 12 || day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return text;
  return `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}
