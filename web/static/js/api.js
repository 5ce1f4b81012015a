// Requests to the API. Addresses are relative to this module, so that a proxy may
// serve the page under any path, with and without its last slash.

import { signed } from "./session.js";

export const base = new URL("../../api/v1/", import.meta.url).href;

/** Problem is an answer other than success; status 0: no answer. */
export class Problem extends Error {
  constructor(status, body = {}) {
    super(body.detail || fallback(status));
    this.status = status;
    this.code = body.code || "";
    this.jobId = body.job_id || 0;
    this.errors = body.errors || [];
    this.license = { key: body.license_key || "", product: body.product || "" }; // that is gone
  }
}

function fallback(status) {
  if (status === 0) return "The server cannot be reached. Check the connection, then try again.";
  return `The server answered ${status} without a reason. Try again; if it stays so, tell its operator.`;
}

/** onRefused is called when the key does not work any more (401). */
export const onRefused = { call: () => {} };

const retries = 4;

/**
 * get returns the JSON at a path below api/v1/. It retries while the answer is 503
 * with Retry-After: the server's views lag.
 */
export async function get(path, { query, signal, key } = {}) {
  const response = await ask(path, { query, signal, key });
  return response.json();
}

/** text returns a body as text. */
export async function text(path, { signal } = {}) {
  const response = await ask(path, { signal });
  return response.text();
}

/** post sends a command, without a body unless one is given, and returns the answer's JSON; null: it has none. A key is another one than the session's. */
export async function post(path, query, { method = "POST", body, headers, signal, key } = {}) {
  const response = await check(await send(path, { method, query, body, headers, signal, key }), key);
  return response.json().catch(() => null);
}

/** open returns the response itself, for a stream. */
export async function open(path, { signal, accept } = {}) {
  return check(await send(path, { signal, headers: { Accept: accept } }));
}

/**
 * save downloads a file: by fetch, since a link cannot send the key. The file is
 * held in memory.
 */
export async function save(path, name, query) {
  const response = await ask(path, { query });
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName(response) || name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function fileName(response) {
  return /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") || "")?.[1];
}

async function ask(path, options) {
  for (let attempt = 1; ; attempt++) {
    const response = await send(path, options);
    const wait = Number(response.headers.get("Retry-After"));
    if (response.status !== 503 || !wait || attempt > retries) return check(response, options.key);
    await pause(Math.min(wait, 5) * 1000, options.signal);
  }
}

async function send(path, { query, signal, key, method = "GET", headers = {}, body }) {
  try {
    return await fetch(address(path, query), {
      method, signal, body, cache: "no-store", credentials: "same-origin", headers: { ...signed(key), ...headers },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0);
  }
}

/** address is a path below api/v1/ with a query; it leaves out empty parameters, and repeats lists. */
export function address(path, query = {}) {
  const given = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, one]))
    .filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const search = new URLSearchParams(given).toString();
  return base + path + (search ? `?${search}` : "");
}

async function check(response, key) {
  if (response.ok) return response;
  const problem = new Problem(response.status, await response.json().catch(() => ({})));
  if (problem.status === 401 && !key) onRefused.call(problem);
  throw problem;
}

/** pause waits for some milliseconds or until the signal aborts. */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("stopped", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}
