// Who is signed in. The key lives in this tab's session only and is sent in a
// header only; it never stands in an address.

const slot = "licenseimport.key";

/** me is what GET /api/v1/me/ said: manager, role and products; null: not signed in. */
export const session = { key: sessionStorage.getItem(slot), me: null };

/** enter remembers a key that works, and whose it is. */
export function enter(key, me) {
  session.key = key;
  session.me = me;
  sessionStorage.setItem(slot, key);
}

/** leave forgets the key. */
export function leave() {
  session.key = null;
  session.me = null;
  sessionStorage.removeItem(slot);
}

/** mayImport tells whether to offer an upload. The server decides all the same. */
export function mayImport() {
  return session.me?.role === "admin" || session.me?.role === "importer";
}

/** mayCancel tells whether to offer to cancel an import. */
export function mayCancel(found) {
  return session.me?.role === "admin" || (session.me?.role === "importer" && found.manager === session.me.manager);
}
