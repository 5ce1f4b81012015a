// The session: the key and its manager. The key is stored in this tab's
// sessionStorage and sent in a header; it is never part of an address. Who stays
// signed in has a cookie instead, which scripts cannot read: all tabs of the
// browser know from localStorage that there is one, and of which key.

const slot = "licenseimport.key";
const keptSlot = "licenseimport.kept";

/**
 * me is what GET /api/v1/me/ said: manager, role and products; null: not signed in.
 * kept is what the key of the cookie begins with; null: there is no cookie. The tab's own key comes first.
 */
export const session = { key: sessionStorage.getItem(slot), kept: localStorage.getItem(keptSlot), me: null };

/** enter stores a working key and its manager. */
export function enter(key, me) {
  session.key = key;
  session.me = me;
  sessionStorage.setItem(slot, key);
}

/** keep is enter for a session that the server holds: the key is not stored. */
export function keep(key, me) {
  session.key = null;
  session.kept = key.startsWith("lik_") ? key.slice(0, 12) : "admin"; // what is public of it
  session.me = me;
  sessionStorage.removeItem(slot);
  localStorage.setItem(keptSlot, session.kept);
}

/** leave removes the key. Of a tab without one it forgets the cookie. */
export function leave() {
  if (!session.key) {
    session.kept = null;
    localStorage.removeItem(keptSlot);
  }
  session.key = session.me = null;
  sessionStorage.removeItem(slot);
}

/** signed are the headers that make a request this manager's. With a key the server ignores the cookie. */
export function signed(key = session.key) {
  return key ? { Authorization: `Api-Key ${key}` } : { "X-Requested-With": "licenseimport" };
}

/** isOwn reports whether the session is of the key that begins so. */
export function isOwn(beginsWith) {
  return (session.key || session.kept || "").startsWith(beginsWith);
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
