// The session: the key and its manager. The key is stored in this tab's
// sessionStorage and sent in a header; it is never part of an address.

const slot = "licenseimport.key";

/** me is what GET /api/v1/me/ said: manager, role and products; null: not signed in. */
export const session = { key: sessionStorage.getItem(slot), me: null };

/** enter stores a working key and its manager. */
export function enter(key, me) {
  session.key = key;
  session.me = me;
  sessionStorage.setItem(slot, key);
}

/** leave removes the key. */
export function leave() {
  session.key = null;
  session.me = null;
  sessionStorage.removeItem(slot);
}

/** mayImport reports whether to offer an upload. The server checks it again. */
export function mayImport() {
  return session.me?.role === "admin" || session.me?.role === "importer";
}

/** mayManage reports whether to offer the administration. The server checks it again. */
export function mayManage() {
  return session.me?.role === "admin" && session.me.products.length === 0;
}

/** mayCancel reports whether to offer to cancel an import. */
export function mayCancel(found) {
  return session.me?.role === "admin" || (session.me?.role === "importer" && found.manager === session.me.manager);
}
