import { fill, h } from "../dom.js";
import { loading, problem } from "../parts/notice.js";
import { markdown } from "../parts/markdown.js";

const addresses = { "columns.md": "#/columns", "api.md": new URL("../../../reference/", import.meta.url).href };

/** guide shows the guide to importing. It is a static file: no key is needed. */
export function guide({ root, signal, title }) {
  const load = async () => {
    fill(root, loading());
    try {
      const text = await (await fetch(new URL("../../guide.md", import.meta.url), { signal })).text();
      const page = h("article", { class: "stack guide" }, markdown(text, (target) => addresses[target]));
      fill(root, page);
      title(page.querySelector("h1"), "Guide");
    } catch (error) {
      fill(root, problem(error, load));
    }
  };
  load();
}
