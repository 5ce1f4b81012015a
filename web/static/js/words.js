// Texts for the API's codes. An unknown code is shown as it is: a server may be
// newer than this page.

import { capital } from "./format.js";

const statuses = {
  pending: ["Waiting", "busy"],
  running: ["Running", "busy"],
  success: ["Finished", "good"],
  error: ["Failed", "bad"],
};

/** status is the word and the tone for an import as a whole. */
export function status(found) {
  if (found.status === "error" && found.error?.code === "cancelled") return ["Cancelled", "calm"];
  if (found.status === "error" && found.error?.code === "rejected_rows") return ["Refused", "bad"];
  if (found.status === "success" && found.dry_run) return ["Checked", "good"];
  return statuses[found.status] || [found.status, "calm"];
}

const errors = {
  required: "Value missing",
  too_long: "Too long",
  invalid_email: "Not an e-mail address",
  invalid_bool: "Not true or false",
  invalid_int: "Not a whole number",
  out_of_range: "Out of range",
  invalid_date: "Not a date",
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
  spreadsheet_error: "Error of a spreadsheet",
};

/** errorName is the short name of a row's error code. */
export function errorName(code) {
  return errors[code] || code.replaceAll("_", " ");
}

const advice = {
  cancelled: "Rows that were imported before stay. Import the file again to bring in the rest: what exists already is not changed.",
  rejected_rows: "Fix the rows below in your own file, then import the complete file again.",
  upload_abandoned: "The upload stopped before its end, so nothing was imported. Import the file again.",
  upload_incomplete: "The upload stopped before its end, so nothing was imported. Import the file again.",
  rows_missing: "Import the file again. The operator of the server should look at its storage.",
};

/** adviceFor says what to do about a failed import. */
export function adviceFor(code) {
  return advice[code] || "Import the file again. If it fails in the same way, tell the operator of the server.";
}

const uploadAdvice = {
  not_csv: "In the spreadsheet, choose “Save as” and the format “CSV UTF-8”, then choose that file here.",
  invalid_header: "Fix the first line of the file, or see “Columns of a file” for all that there are. Columns that you do not need can be ignored: see the options.",
  empty_file: "Choose a file that has a header line and at least one row.",
  no_rows: "Add at least one row below the header line.",
  too_large: "Split the file, and import its parts one after the other.",
  too_many_rows: "Split the file, and import its parts one after the other.",
  too_many_uploads: "Wait a moment, then send it again.",
  upload_in_progress: "Wait until the first upload of this file has ended, then send it again.",
  invalid_encoding: "Save the file as UTF-8, or choose the encoding Windows-1252 in the options.",
};

/** uploadAdviceFor says what to do about a refused upload; it may be empty. */
export function uploadAdviceFor(code) {
  return uploadAdvice[code] || "";
}

const calls = [
  ["upload with unknown_columns=ignore", "choose “Ignore columns that are not known” in the options"],
  ["upload it with encoding=windows-1252", "choose the encoding Windows-1252 in the options when you upload it"],
];

/** onPage turns a message of the API into a sentence that suits the page. */
export function onPage(message) {
  return capital(calls.reduce((text, [said, chosen]) => text.replaceAll(said, chosen), message));
}

/** modeName says how an import treats rejected rows. */
export function modeName(mode) {
  return mode === "all_or_nothing" ? "All or nothing" : "Every valid row";
}

const roles = {
  admin: "may import, cancel and see everything",
  importer: "may import and see its own imports",
  viewer: "may look, and change nothing",
};

/** rights is what a role may do. */
export function rights(role) {
  return roles[role] || role;
}
