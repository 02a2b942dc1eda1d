// The groups' names and colours: pointing at one emphasises it on the map, a click selects it.
import { set, state } from "./state.js";
import { count, dot, make } from "./words.js";

const MOST = 200;

/** @param {HTMLElement} list @param {import("./groups.js").Groups} groups */
export function legend(list, groups) {
  const entries = groups.names.map((name, group) => ({ name, group }));
  const there = entries.filter(({ group }) => groups.sizes[group]).slice(0, MOST);
  list.replaceChildren(...there.map(({ name, group }) => entry(groups, name, group)));
  const rest = groups.sizes[groups.names.length];
  if (rest) list.append(make("li", { class: "rest" }, dot("#8b9097"), make("bdi", {}, groups.rest), make("span", {}, count(rest))));
}

function entry(groups, name, group) {
  const label = groups.title === "Cluster" ? `Cluster ${name}` : name || "(no name)";
  const button = make("button", { type: "button", "data-group": group });
  button.append(dot(groups.colours[group]), make("bdi", {}, label), make("span", {}, count(groups.sizes[group])));
  button.addEventListener("click", () => select(groups, group, label));
  emphasise(button, () => group);
  return make("li", {}, button);
}

/** @param {number} group */
export function select(groups, group, label) {
  const mask = Uint8Array.from(groups.of, (own) => (own === group ? 1 : 0));
  const isOn = state.selection?.what === label;
  set({ selection: isOn ? null : { mask, count: groups.sizes[group], what: label } });
}

/** Emphasise a group while something is pointed at or has the focus. @param {() => number} group */
export function emphasise(element, group) {
  for (const name of ["pointerenter", "focusin"]) element.addEventListener(name, () => set({ group: group() }));
  for (const name of ["pointerleave", "focusout"]) element.addEventListener(name, () => set({ group: -1 }));
}
