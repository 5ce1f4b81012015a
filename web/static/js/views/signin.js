import { get, post, Problem } from "../api.js";
import { fill, h } from "../dom.js";

/** signIn asks for a key and looks up its manager; it calls params.done with both, and whether the person stays signed in. */
export function signIn({ root, params, signal, title }) {
  const heading = h("h1", {}, "Bring your licenses in, row by row");
  const form = keyForm(params.done, signal);
  fill(root, h("div", { class: "signin" },
    h("div", { class: "stack" },
      heading,
      h("p", { class: "lead" }, "Drop a CSV or Excel file and see what happened to every row: imported, already there, or rejected with the reason."),
      h("ol", { class: "steps" },
        h("li", {}, "Sign in with your API key."),
        h("li", {}, "Drop the file and watch the import."),
        h("li", {}, "Download the rejected rows, fix them, upload them again.")),
      sample()),
    form));
  title(heading, "Sign in");
  form.querySelector("#key").focus({ preventScroll: true });
}

/** sample shows what an import of a file looks like. */
function sample() {
  const parts = [["imported", "imported", 7], ["existed", "existed already", 2], ["rejected", "rejected", 1]];
  return h("div", { class: "sample", "aria-hidden": "true" },
    h("div", { class: "bar" }, parts.map(([kind, , share]) => {
      const part = h("span", { class: `is-${kind}` });
      part.style.flexGrow = share;
      return part;
    })),
    h("p", { class: "legend" }, parts.map(([kind, label]) => h("span", {}, h("span", { class: `key is-${kind}` }), label))));
}

function keyForm(done, signal) {
  const input = h("input", {
    class: "input", id: "key", name: "password", type: "password", required: true, autocomplete: "current-password",
    autocapitalize: "off", spellcheck: "false", "aria-describedby": "key-hint key-wrong",
  });
  const toggle = h("button", { type: "button", class: "button", "aria-pressed": "false", "aria-label": "Show the key" }, "Show");
  toggle.addEventListener("click", () => {
    const hidden = input.type === "password";
    input.type = hidden ? "text" : "password";
    toggle.setAttribute("aria-pressed", String(hidden));
  });
  const name = h("input", {
    class: "input", id: "username", name: "username", type: "text", autocomplete: "username", autocapitalize: "off", spellcheck: "false", "aria-describedby": "username-hint",
  });
  const stay = h("input", { id: "stay", name: "stay", type: "checkbox", "aria-describedby": "stay-hint" });
  const wrong = h("p", { class: "notice bad", id: "key-wrong", role: "alert", hidden: true });
  const button = h("button", { class: "button primary" }, "Sign in");
  const tell = (sentence) => {
    wrong.textContent = sentence;
    wrong.hidden = false;
    input.setAttribute("aria-invalid", "true");
    input.focus();
  };
  const submit = async (e) => {
    e.preventDefault();
    const key = input.value.trim();
    if (!key) {
      tell("Paste your API key here.");
      return;
    }
    button.disabled = true;
    try {
      const me = await get("me/", { key, signal });
      if (stay.checked) await post("session/", {}, { key, signal });
      done(key, me, stay.checked);
    } catch (error) {
      tell(explain(error));
    } finally {
      button.disabled = false;
    }
  };
  return h("form", { class: "sheet stack", novalidate: true, on: { submit } },
    h("div", { class: "field" },
      h("label", { for: "username" }, "Name (optional)"), name,
      h("p", { class: "hint", id: "username-hint" }, "For your password manager, to tell several keys apart. It is not sent.")),
    h("div", { class: "field" },
      h("label", { for: "key" }, "API key"),
      h("div", { class: "joined" }, input, toggle),
      h("p", { class: "hint", id: "key-hint" }, "Stays in this tab until you close it or sign out.")),
    h("div", { class: "choice" }, stay,
      h("label", { for: "stay" }, "Keep me signed in"),
      h("p", { class: "hint", id: "stay-hint" }, "In this browser, for 12 hours at most, until you sign out. Not on a shared computer.")),
    wrong,
    h("div", { class: "actions" }, button),
    h("details", {}, h("summary", {}, "Where do I get a key?"),
      h("p", { class: "hint" }, "The operator of the server makes one: ", h("code", {}, "licenseimport keys create NAME"),
        ". The first start prints an admin key and stores it in the data directory, in ", h("code", {}, "admin.key"), ".")));
}

function explain(error) {
  if (error instanceof Problem && error.status === 401) {
    return "This key is not valid here. Copy all of it, without spaces around it; if it was revoked, ask for a new one.";
  }
  return error.message;
}
