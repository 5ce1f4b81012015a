// Texts for the API's codes. An unknown code is shown as it is: a server may be
// newer than this page.

import { capital, number } from "./format.js";
import { made } from "./kinds.js";
import { labelOf } from "./labels.js";

/** finished is the word and the tone for an import that reached the end of its rows. */
function finished(found) {
  const r = found.result;
  const { created, updated, existed } = made(found);
  const rejected = r.invalid_row_count > 0 ? `, ${number(r.invalid_row_count)} rejected` : "";
  const tone = rejected ? "busy" : "good";
  if (created > 0) return [`Imported${rejected}`, tone];
  if (updated > 0) return [`Updated${rejected}`, tone];
  if (existed > 0) return [`Nothing new${rejected}`, rejected ? "busy" : "calm"];
  return ["Nothing imported", "bad"];
}

/** checked is the same for a dry run. */
function checked(r) {
  if (r.invalid_row_count === 0) return ["Checked", "good"];
  return [`Checked, ${number(r.invalid_row_count)} to fix`, r.valid_row_count > 0 ? "busy" : "bad"];
}

/** status is the word and the tone for an import as a whole. */
export function status(found) {
  if (found.undo) return found.undo.status === "running" ? ["Being undone", "busy"] : ["Undone", "calm"];
  if (found.status === "pending") return ["Waiting", "busy"];
  if (found.status === "running") return ["Running", "busy"];
  if (found.status === "error") {
    if (found.error?.code === "cancelled") return ["Cancelled", "calm"];
    return [found.error?.code === "rejected_rows" ? "Nothing imported" : "Failed", "bad"];
  }
  if (found.status === "success" && found.result) return found.dry_run ? checked(found.result) : finished(found);
  return [found.status, "calm"];
}

const errors = {
  required: "Value missing",
  too_long: "Too long",
  invalid_email: "Not an e-mail address",
  invalid_bool: "Not true or false",
  invalid_int: "Not a whole number",
  out_of_range: "Out of range",
  invalid_date: "Date not in the right format",
  invalid_duration: "Not a duration",
  invalid_choice: "Not one of the choices",
  invalid_encoding: "Unreadable characters",
  control_character: "Control characters",
  conflict: "Values that exclude each other",
  unknown_product: "Unknown product",
  no_access: "Product not allowed",
  field_count: "Too few or too many fields",
  malformed_row: "Damaged quoting",
  row_too_large: "Row too long",
  spreadsheet_error: "Error value of a spreadsheet",
  unknown_license: "Unknown license",
  ambiguous_license: "License of several products",
  unknown_feature: "Unknown feature",
};

const warnings = {
  customer_without_email: "Customer without e-mail",
  maintenance_not_enabled: "Maintenance not enabled",
  not_a_trial: "Not a trial",
  overages_not_allowed: "Overages not allowed",
  not_floating: "Not floating",
  validity_on_perpetual: "End date on a perpetual license",
  invisible_character: "Invisible character",
  number_like: "Looks like a number",
  leading_apostrophe: "Leading apostrophe",
};

/** warningName is the short name of a row's warning code. */
export function warningName(code) {
  return warnings[code] || capital(code.replaceAll("_", " "));
}

/** errorName is the short name of a row's error code. */
export function errorName(code) {
  return errors[code] || code.replaceAll("_", " ");
}

const advice = {
  cancelled: "To go on, import the file again: no row is imported twice.",
  rejected_rows: "Fix the rows below in your own file, then import the complete file again.",
  upload_abandoned: "The upload stopped before its end, so nothing was imported. Import the file again.",
  upload_incomplete: "The upload stopped before its end, so nothing was imported. Import the file again.",
  rows_missing: "Import the file again. The operator of the server should check its storage.",
};

/** adviceFor says what to do about a failed import. */
export function adviceFor(code) {
  return advice[code] || "Import the file again. If it fails in the same way, tell the operator of the server.";
}

const uploadAdvice = {
  not_csv: "In the spreadsheet, choose “Save as” and the format “Excel workbook (.xlsx)” or “CSV UTF-8”, then choose that file here.",
  invalid_header: "Fix the first line of the file. “Columns of a file” lists all fields.",
  empty_file: "Choose a file that has a header line and at least one row.",
  no_rows: "Add at least one row below the header line.",
  too_large: "Split the file, and import its parts one at a time.",
  too_many_rows: "Split the file, and import its parts one at a time.",
  too_many_uploads: "Wait a moment, then send it again.",
  upload_in_progress: "Wait a few minutes, then send it again. It is never imported twice.",
  invalid_encoding: "Save the file as UTF-8. Of a file in a western European language you can choose the text encoding Windows-1252 in the options instead.",
};

/** uploadAdviceFor says what to do about a refused upload; it may be empty. */
export function uploadAdviceFor(code) {
  return uploadAdvice[code] || "";
}

const calls = [
  [/An upload with this Idempotency-Key is still under way: ask again later\./g,
    "The server has not finished with the first upload of this file."],
  [/ Name one \(sheet=NAME\)\./g, " Choose one below."],
  [/upload with unknown_columns=ignore/g, "tick “Ignore unrecognized columns” in the options"],
  [/upload it with encoding=windows-1252/g, "choose the text encoding Windows-1252 in the options when you upload it"],
];

/** onPage turns a message of the API into a sentence that suits the page. */
export function onPage(message) {
  return capital(calls.reduce((text, [said, chosen]) => text.replaceAll(said, chosen), message));
}

const guesses = [
  [/^(\d{1,2})\/(\d{1,2})\/(\d{4})$/, (a, b, year) => (b > 12 ? [year, a, b] : a > 12 || a === b ? [year, b, a] : null)],
  [/^(\d{1,2})[.-](\d{1,2})[.-](\d{4})$/, (day, month, year) => [year, month, day]],
  [/^(\d{4})[/.](\d{1,2})[/.](\d{1,2})$/, (year, month, day) => [year, month, day]],
];

/** isoDate writes a date of another form as YYYY-MM-DD; "": it may mean two days, or none. */
function isoDate(value) {
  for (const [form, order] of guesses) {
    const parts = form.exec(value.trim())?.slice(1).map(Number);
    const date = parts && order(...parts);
    if (!date) continue;
    const text = date.map((n, i) => String(n).padStart(i === 0 ? 4 : 2, "0")).join("-");
    const time = Date.parse(text);
    return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text) ? text : "";
  }
  return "";
}

/** whatToDo is the advice about one error of a row. */
export function whatToDo({ code, value = "", message }) {
  if (code !== "invalid_date" || !message.includes("YYYY-MM-DD")) return onPage(message); // a mapped file has other dates
  const date = isoDate(value);
  return date ? `Write ${value.trim()} as ${date}.` : "Write a date that exists as year-month-day, such as 2027-12-31.";
}

/** headerAdvice is the sentence for one problem of a file's header. */
export function headerAdvice({ column, code, message }) {
  if (code === "missing_column" && column) {
    const alike = /rename the column "(.+)", if that is it/.exec(message)?.[1];
    return `“${labelOf(column)}” is missing. ${alike ? `If “${alike}” is it, rename it to ${column}; otherwise add` : "Add"} a column named ${column}.`;
  }
  if (code !== "unknown_column" || !column) return onPage(message);
  const meant = /did you mean (\S+)\?/.exec(message)?.[1];
  return `“${column}” doesn’t match any field. ${meant ? `Did you mean ${meant}? If not, remove` : "Remove"} the column, or tick “Ignore unrecognized columns”.`;
}

/** modeName says how an import treats rejected rows. */
export function modeName(mode) {
  return mode === "all_or_nothing" ? "All or nothing" : "Every valid row";
}

const roles = {
  admin: "may do and see everything, also keys and products",
  importer: "may import and see its own imports",
  viewer: "may see everything and change nothing",
};

/** rights is what a role may do. */
export function rights(role) {
  return roles[role] || role;
}
