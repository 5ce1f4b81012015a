// Addresses: the hash is a path and a query. All navigation state is in it, so
// that reload, back and a shared link show the same view.

/** parse splits a hash into path segments and query. */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split("?");
  return {
    segments: path.split("/").filter(Boolean).map(decode),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

function decode(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** link is the hash of a path with a query; it leaves out empty parameters. */
export function link(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const search = new URLSearchParams(given).toString();
  return `#/${path}${search ? `?${search}` : ""}`;
}

/** here is the address of the view that is shown, without its query. The start view has one address only. */
export function here() {
  return link(location.hash.split("?")[0].replace(/^#?\/?/, ""));
}

/** go moves to an address. */
export function go(path, query) {
  location.hash = link(path, query);
}

/**
 * match finds the first route that matches an address: { pattern: "imports/:id", … }.
 * Parameters are given by name.
 */
export function match(routes, segments) {
  for (const route of routes) {
    const pattern = route.pattern.split("/").filter(Boolean);
    if (pattern.length !== segments.length) continue;
    const params = {};
    const fits = pattern.every((part, i) => {
      if (!part.startsWith(":")) return part === segments[i];
      params[part.slice(1)] = segments[i];
      return true;
    });
    if (fits) return { route, params };
  }
  return null;
}

/** pageOf is the number of the page in a query, from 1. */
export function pageOf(query) {
  const page = Number.parseInt(query.page, 10);
  return page > 0 ? page : 1;
}
