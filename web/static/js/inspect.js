// What the server says of a chosen file before it is sent. No elements here.

import { get, post } from "./api.js";
import { session } from "./session.js";

/** beginning is as much of a CSV as the server looks at, in bytes. */
export const beginning = 1 << 20;

const largestWorkbook = 64 << 20; // above, the user is asked first: a workbook is sent whole, its table of contents stands at its end
const most = 1000; // entries of a list

const isWorkbook = (file) => /\.xlsx$/i.test(file.name);
const isPacked = (file) => /\.gz$/i.test(file.name);

/** isLarge reports whether looking at a file takes as long as sending it, and that is long. */
export function isLarge(file) {
  return isWorkbook(file) && file.size > largestWorkbook;
}

/** isWhole reports whether the server sees all of a file. */
export function isWhole(file) {
  return isWorkbook(file) || (!isPacked(file) && file.size <= beginning);
}

/** inspect sends a file's beginning and returns what its columns seem to be; null: this browser cannot tell. */
export async function inspect(file, kind, { sheet, delimiter, encoding, signal } = {}) {
  const part = await beginningOf(file);
  if (!part) return null;
  const form = new FormData();
  form.append("file", part, file.name.replace(/\.gz$/i, ""));
  return post("imports/inspect/", { kind: kind.name, ...(isWorkbook(file) ? { sheet } : { delimiter, encoding }) }, { body: form, signal });
}

async function beginningOf(file) {
  if (isWorkbook(file)) return file;
  return isPacked(file) ? unpacked(file) : file.slice(0, beginning);
}

/** unpacked is the beginning of what a gzip file holds; null: it is no text, or it cannot be unpacked here. */
async function unpacked(file) {
  if (!("DecompressionStream" in window)) return null;
  const reader = file.stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const chunks = [];
  let size = 0;
  try {
    while (size < beginning) {
      const { value, done } = await reader.read();
      if (done) break;
      chunks.push(value);
      size += value.length;
    }
  } catch {
    return null; // the upload tells what is wrong with it
  }
  reader.cancel().catch(() => {});
  const text = new Blob(chunks).slice(0, beginning);
  const [first, second] = new Uint8Array(await text.slice(0, 2).arrayBuffer());
  return first === 0x50 && second === 0x4b ? null : text; // PK: a packed workbook
}

/** savedMappings are the mappings of the server for a kind; none if they cannot be read. */
export async function savedMappings(kind, signal) {
  return (await all("import-mappings/", signal)).filter((m) => m.kind === kind.name);
}

/** products are those of the catalogue that this manager may use, or the codes that the key is limited to; none: any. */
export async function products(signal) {
  const catalogue = await all("products/", signal);
  return catalogue.length > 0 ? catalogue : (session.me?.products || []).map((code) => ({ short_code: code, product_name: null }));
}

async function all(path, signal) {
  const found = [];
  try {
    for (let count = 1; found.length < Math.min(count, most);) {
      const page = await get(path, { signal, query: { limit: 100, offset: found.length || "" } });
      if (page.results.length === 0) break;
      found.push(...page.results);
      count = page.count;
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return [];
  }
  return found;
}

/** saveMapping stores a mapping under a name. */
export function saveMapping(name, mapping) {
  return post(`import-mappings/${encodeURIComponent(name)}/`, {}, {
    method: "PUT", body: JSON.stringify(mapping), headers: { "Content-Type": "application/json" },
  });
}
