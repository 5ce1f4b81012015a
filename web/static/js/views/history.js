// A license's history as a timeline, oldest first.

import { get } from "../api.js";
import { fill, h, user } from "../dom.js";
import { count, number } from "../format.js";
import { columnLabel } from "../labels.js";
import { link } from "../router.js";
import { moment } from "../parts/badge.js";
import { loading, problem } from "../parts/notice.js";
import { value } from "./updated.js";

const facts = {
  LicenseImported: ["Imported", "good"],
  LicenseUpdated: ["Updated", "busy"],
  LicenseRevoked: ["Removed by an undo", "bad"],
  LicenseRestored: ["Set back by an undo", "calm"],
  LicenseFeatureImported: ["Feature added", "good"],
  LicenseFeatureUpdated: ["Feature updated", "busy"],
  LicenseFeatureRevoked: ["Feature removed by an undo", "bad"],
  LicenseFeatureRestored: ["Feature set back by an undo", "calm"],
};

const most = 100; // events that are shown

/** history is a section that fetches the history; onFacts gets it, if given. */
export function history(path, signal, onFacts = () => {}) {
  const list = h("div", {}, loading());
  const load = async () => {
    try {
      const found = await get(`${path}history/`, { signal, query: { limit: most } });
      onFacts(found.results);
      fill(list, h("ol", { class: "timeline" }, found.results.map(entry)),
        found.count > most && h("p", { class: "soft" }, `These are the first ${most} of ${number(found.count)} events.`));
    } catch (error) {
      fill(list, problem(error, load));
    }
  };
  load();
  return h("section", { class: "sheet stack" }, h("h2", {}, "History"), list);
}

function entry(fact) {
  const [word, tone] = facts[fact.type] || [fact.type, "calm"];
  const changed = fact.changed || [];
  return h("li", { class: tone },
    h("p", {}, h("strong", {}, word), fact.feature_code && [" ", user(fact.feature_code, { class: "code" })], ", ", moment(fact.time)),
    h("p", { class: "under" },
      h("span", {}, h("a", { href: link(`imports/${fact.import_id}`) }, `Import ${fact.import_id}`), `, row ${number(fact.import_row)}`),
      fact.manager && h("span", {}, "by ", user(fact.manager))),
    changed.length > 0 && h("details", { open: changed.length <= 4 },
      h("summary", {}, count(changed.length, "change")),
      h("dl", { class: "facts" }, changed.map((c) => [
        h("dt", {}, columnLabel(c.column)),
        h("dd", {}, value(c.from), h("span", { class: "soft" }, " → "), h("span", { class: "unseen" }, "became "), value(c.to)),
      ]))));
}
