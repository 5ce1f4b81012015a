// What the cells of a mapped file become: translated, read as dates, and whether their column takes them. The rules are
// the server's; those here are for the preview. No elements here.

const months = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const iso = [/^(?<y>\d{4})-(?<m>\d\d)-(?<d>\d\d)/];
const forms = {
  "YYYY-MM-DD": iso,
  "MM/DD/YYYY": [/^(?<m>\d\d?)\/(?<d>\d\d?)\/(?<y>\d{4})/],
  "DD/MM/YYYY": [/^(?<d>\d\d?)\/(?<m>\d\d?)\/(?<y>\d{4})/],
  "DD.MM.YYYY": [/^(?<d>\d\d?)\.(?<m>\d\d?)\.(?<y>\d{4})/],
  "YYYY/MM/DD": [/^(?<y>\d{4})\/(?<m>\d\d?)\/(?<d>\d\d?)/],
  "D MMM YYYY": [/^(?<d>\d\d?)[ -](?<m>[a-z]+)[ -](?<y>\d{4})/i, /^(?<m>[a-z]+)[ -](?<d>\d\d?),?[ -](?<y>\d{4})/i],
};
const minutes = ":[0-5]\\d(?::[0-5]\\d(?:[.,]\\d{1,9})?)?";
const clock = new RegExp(`^(?:[Tt]|,? +)(?:(?:[01]?\\d|2[0-3])${minutes}|(?:0?[1-9]|1[0-2])${minutes} ?[AaPp]\\.?[Mm]\\.?)`
  + "(?: ?(?:[Zz]|UTC|GMT|[+-](?:[01]\\d|2[0-3])(?::?[0-5]\\d)?))?$");
const product = "product__short_code";

/** normalCell is the form in which cells are compared. */
export const normalCell = (cell) => cell.trim().toLowerCase();

/** translationOf is what a cell of a column is translated to; undefined: it stays. */
export function translationOf(state, column, cell) {
  const normal = normalCell(cell);
  return Object.entries(state.values[column] || {}).find(([from]) => normalCell(from) === normal)?.[1];
}

/** translate says what a cell of a column becomes; undefined: it stays as it is. */
export function translate(state, column, cell, to) {
  const normal = normalCell(cell);
  const others = Object.entries(state.values[column] || {}).filter(([from]) => normalCell(from) !== normal);
  state.values[column] = Object.fromEntries(to === undefined ? others : [...others, [cell, to]]);
}

/** cellOf is a cell as it will be. */
export function cellOf(state, column, cell) {
  const to = cell.trim() === "" ? undefined : translationOf(state, column, cell);
  const text = to ?? (column === "license__note" ? cell : cell.trim());
  return state.types[column]?.type === "date" ? isoDate(text, state.dateFormat) : text;
}

/** isTaken reports whether a column takes a cell that is as it will be. What cannot be told here it takes. */
export function isTaken(state, column, text) {
  if (text === "") return true;
  if (column === product) return state.products.length === 0 || state.products.some((p) => p.short_code === text);
  const { type, choices = [] } = state.types[column] || {};
  if (type === "bool") return /^(true|false|1|0|yes|no)$/i.test(text);
  if (type === "int") return /^\d+$/.test(text) && Number(text) < 2 ** 31;
  if (type === "enum") return choices.includes(text.toLowerCase()) || normalCell(text) === "annualy";
  if (type === "duration") return /^[1-9]\d{0,4}[dmy]$/i.test(text);
  if (type === "date") return !state.dateFormat || /^\d{4}-\d{2}-\d{2}$/.test(text);
  return true;
}

/** suggested are the translations for a column of the file that becomes another column, by cell. */
export function suggested(state, c, column) {
  const byName = column === product ? c.values.map((cell) => [cell, productNamed(state, cell)]).filter(([, code]) => code) : [];
  return { ...Object.fromEntries(byName), ...c.translations[column] };
}

/** productNamed is the code of the one product that a cell names; "": none, or it is a code itself. */
function productNamed({ products }, cell) {
  const named = products.filter((p) => [p.product_name || "", p.short_code].some((name) => normalCell(name) === normalCell(cell)));
  return named.length === 1 && !products.some((p) => p.short_code === cell) ? named[0].short_code : "";
}

/** isRefused reports whether a cell is rejected, as it is or as it is translated. */
export function isRefused(state, column, cell) {
  return !isTaken(state, column, cellOf(state, column, cell));
}

const mostRefused = 10; // of a column of any values: where all its dates are refused, the cells are not the question

/** questions are the columns of the file with cells that are translated, or that their column does not take. */
export function questions(state) {
  return state.columns.filter((c) => c.column).map((c) => ({ ...c, cells: questioned(state, c) })).filter((c) => c.cells.length > 0);
}

function questioned(state, c) {
  const refused = c.values.filter((cell) => isRefused(state, c.column, cell));
  const shown = hasFewValues(state, c.column) || refused.length <= mostRefused ? refused : [];
  return c.values.filter((cell) => shown.includes(cell) || c.asked.has(normalCell(cell)) || translationOf(state, c.column, cell) !== undefined);
}

/** hasFewValues reports whether a column has a list of values: of a few words, or of products. */
export function hasFewValues(state, column) {
  return column === product || ["bool", "enum"].includes(state.types[column]?.type);
}

/** isoDate is a date as it will be stored; one of another form stays as it is. */
export function isoDate(text, format) {
  for (const form of [...(forms[format] || []), ...iso]) {
    const found = form.exec(text);
    const rest = found ? text.slice(found[0].length) : "";
    if (!found || (rest && !clock.test(rest))) continue;
    const { y: year, m, d: day } = found.groups;
    const month = Number(m) || months.findIndex((name) => name === m.toLowerCase() || name.slice(0, 3) === m.toLowerCase()) + 1;
    if (year < 1 || day < 1 || month < 1 || month > 12 || day > new Date(Date.UTC(year, month, 0)).getUTCDate()) continue;
    return `${year}-${String(month).padStart(2, "0")}-${day.padStart(2, "0")}`;
  }
  return text;
}
