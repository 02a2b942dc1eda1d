// Every action by keyboard, and the list of the keys.

import { $, h } from "./dom.js";

export const KEYS = [
  ["Naming", [
    ["Enter", "name the group (in the field), or go to the field"],
    ["J", "next group to name"],
    ["G", "previous group"],
    ["[ ]", "accept less, more"],
    ["C", "spot check"],
    ["X", "put aside as junk: the selected pictures, or the group"],
    ["B", "take the name back"],
  ]],
  ["Groups", [
    ["S", "split down the tree"],
    ["T", "split in two"],
    ["M", "merge with another group, or with the marked ones"],
    ["A", "cluster again what waits for a name"],
    ["P", "spread names to near neighbours"],
  ]],
  ["Pictures", [
    ["Arrows", "walk; with Shift, select"],
    ["Space", "select or not"],
    ["L", "select what is accepted"],
    ["K", "take the selected ones out"],
    ["V", "move the selected ones to another group"],
    ["O", "look at a picture"],
    ["+ −", "larger, smaller"],
  ]],
  ["Always", [
    ["U or Ctrl Z", "undo, without limit"],
    ["R or Ctrl Shift Z", "redo"],
    ["Esc", "leave the field, clear the selection"],
    ["?", "this list"],
  ]],
];

const STORED = "pictree-single-keys";
const stored = () => { try { return localStorage.getItem(STORED) !== "off"; } catch { return true; } };
let single = stored();

export function listen(actions) {
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    const typing = event.target.matches?.("input[type=text]");
    const control = event.ctrlKey || event.metaKey;
    let name = null;
    if (control && !event.altKey && event.key.toLowerCase() === "z") {
      if (typing && event.target.value !== event.target.defaultValue && event.target.value) return;
      name = event.shiftKey ? "R" : "U";
    } else if (control && event.key.toLowerCase() === "y") name = "R";
    else if (control || event.altKey) return;
    else if (event.key === "Escape") name = "Escape";
    else if (typing) return;
    else if (event.key === "Enter" && event.target.matches?.("button, a")) return;
    else if (event.key === "Enter") name = "Enter";
    else if (single && event.key.length === 1) name = event.key.toUpperCase();
    if (!(name in actions)) return;
    event.preventDefault();
    actions[name]();
  });
}

export function showKeys() {
  const dialog = $("keys");
  const box = h("input", { type: "checkbox", id: "single", checked: single, onchange: () => {
    single = box.checked;
    try { localStorage.setItem(STORED, single ? "on" : "off"); } catch { /* for this visit alone */ }
  } });
  dialog.replaceChildren(
    h("h2", { id: "keys-title" }, "Keys"),
    h("div", { class: "columns" }, ...KEYS.map(([title, keys]) =>
      h("section", {}, h("h3", {}, title),
        h("dl", {}, ...keys.map(([key, what]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what))))))),
    h("p", { class: "note" }, "Click selects a picture, with Shift all between; drag draws a lasso; double click looks at one. Ctrl click marks groups for a merge."),
    h("label", { class: "switch" }, box, " Single keys do things (Ctrl Z always does)"),
    h("div", { class: "ends" }, h("button", { type: "button", class: "main", onclick: () => dialog.close() }, "Close")));
  dialog.showModal();
}
