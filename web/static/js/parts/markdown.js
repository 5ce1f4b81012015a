// The part of Markdown that the guides use, as elements: headings, paragraphs, lists, tables, code, links.

import { h } from "../dom.js";

const inline = /`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)|\*\*([^*]+)\*\*|\*([^*]+)\*/g;

/** markdown returns a text's elements. href(target) is the address of a link, or null: only its text is shown. */
export function markdown(text, href) {
  const blocks = [];
  const lines = text.split("\n");
  while (lines.length > 0) {
    if (lines[0].trim() === "") lines.shift();
    else blocks.push(block(lines, (line) => spans(line, href)));
  }
  return blocks;
}

/** block takes the next block off the lines. */
function block(lines, words) {
  const heading = /^(#{1,3}) +(.*)$/.exec(lines[0]);
  if (heading) {
    lines.shift();
    return h(`h${heading[1].length}`, {}, words(heading[2]));
  }
  if (lines[0].startsWith("```")) {
    lines.shift();
    const code = take(lines, (line) => !line.startsWith("```"));
    lines.shift();
    return h("pre", { class: "pre" }, code.join("\n"));
  }
  if (lines[0].startsWith("|")) return tableOf(take(lines, (line) => line.startsWith("|")), words);
  if (lines[0].startsWith("- ")) {
    const items = take(lines, (line) => /^(- | +\S)/.test(line)).join("\n").split(/^- /m).slice(1);
    return h("ul", { class: "bullets" }, items.map((item) => h("li", {}, words(item.replaceAll(/\s+/g, " ").trim()))));
  }
  return h("p", {}, words(take(lines, (line) => !/^(#|```|\||- |\s*$)/.test(line)).join(" ")));
}

/** take removes lines as long as they belong to the block; the first always does. */
function take(lines, belongs) {
  const end = lines.findIndex((line) => !belongs(line));
  return lines.splice(0, end < 0 ? lines.length : Math.max(end, 0));
}

function tableOf(lines, words) {
  const [head, , ...body] = lines.map((line) => line.replace(/^\||\|\s*$/g, "").split("|").map((cell) => cell.trim()));
  const named = head.some(Boolean);
  return h("div", { class: "sheet" }, h("table", { class: "table plain" },
    named && h("thead", {}, h("tr", {}, head.map((cell) => (cell ? h("th", { scope: "col" }, words(cell)) : h("td"))))),
    h("tbody", {}, body.map((cells) => h("tr", {}, cells.map((cell, i) => (i === 0 ? h("th", { scope: "row" }, words(cell)) : h("td", {}, words(cell)))))))));
}

function spans(text, href) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(inline)) {
    const [all, code, label, target, strong, stressed] = found;
    parts.push(text.slice(end, found.index));
    if (code) parts.push(h("code", {}, code));
    else if (label) parts.push(href(target) ? h("a", { href: href(target) }, label) : label);
    else parts.push(h(strong ? "strong" : "em", {}, strong || stressed));
    end = found.index + all.length;
  }
  return [...parts, text.slice(end)];
}
