// The kinds of import: what the rows of a file are, and where the API has their imports.

import { get, Problem } from "./api.js";
import { kinds } from "./kindtable.js";

export { kinds };

const defaultKind = kinds[0]; // of what names none

/** kindNamed is the kind of that name. */
export function kindNamed(name) {
  return kinds.find((k) => k.name === name) || defaultKind;
}

/** kindOf is the kind of an import. */
export function kindOf(found) {
  return kindNamed(found.kind);
}

/** kindNote says what the rows of an import are, where that needs to be said; "": it does not. */
export function kindNote(found) {
  const kind = kindOf(found);
  return kind === defaultKind ? "" : kind.many;
}

/** resultPath is where the API has an import, below api/v1/. */
export function resultPath(found) {
  return `${kindOf(found).results}${found.id}/`;
}

/** made are an import's rows by what they did: created, updated and existed. */
export function made(found) {
  const { counted } = kindOf(found);
  const of = (what) => found.result?.[`${what}_${counted}_count`] || 0;
  return { created: of("created"), updated: of("updated"), existed: of("existed") };
}

/** would are the valid rows of a check by what they would do; null: it is not known. */
export function would(found) {
  const { counted } = kindOf(found);
  const preview = found.result?.preview;
  if (!preview) return null;
  const of = (what) => preview[`${what}_${counted}`] || 0;
  return { created: of("created"), updated: of("updated"), existed: of("existed") };
}

const absent = (error) => error instanceof Problem && (error.status === 404 || error.status === 403);

const seen = new Map(); // id of an import → its kind, as far as this page has seen it

/** remember says of which kind an import is. */
export function remember(id, kind) {
  seen.set(String(id), kind);
}

/** find returns an import: its address depends on its kind. */
export async function find(id, { signal } = {}) {
  const first = seen.get(String(id));
  let missing;
  for (const kind of [...(first ? [first] : []), ...kinds.filter((k) => k !== first)]) {
    try {
      return await get(`${kind.results}${encodeURIComponent(id)}/`, { signal });
    } catch (error) {
      if (!absent(error)) throw error;
      missing ||= error;
    }
  }
  throw missing;
}

const largest = 100; // elements of one answer

/** newest are the first imports of one kind, and how many there are. A key may have no right to see a kind. */
async function newest(kind, wanted, status, signal) {
  const results = [];
  let count = 1;
  while (results.length < Math.min(wanted, count)) {
    try {
      const page = await get(kind.results, { signal, query: { limit: Math.min(largest, wanted - results.length), offset: results.length || "", status__iexact: status } });
      count = page.count;
      results.push(...page.results);
      if (page.results.length === 0) break;
    } catch (error) {
      if (absent(error)) return { count: 0, results: [] };
      throw error;
    }
  }
  return { count, results };
}

/** imports is one page of the imports of all kinds, or of one, newest first. */
export async function imports({ kind = "", limit, offset, status, signal }) {
  const chosen = kinds.filter((k) => !kind || k.name === kind);
  const lists = await Promise.all(chosen.map((k) => newest(k, offset + limit, status, signal)));
  const all = lists.flatMap((l) => l.results).sort((a, b) => b.id - a.id);
  for (const found of all) remember(found.id, kindOf(found));
  return { count: lists.reduce((sum, l) => sum + l.count, 0), results: all.slice(offset, offset + limit) };
}
