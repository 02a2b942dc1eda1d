// Find images by a part of their path.
import { set, state } from "./state.js";
import { count } from "./words.js";

/** @param {HTMLFormElement} form @param {any} page stage, paths */
export function search(form, { stage, paths }) {
  const field = form.querySelector("input");
  const said = form.querySelector("output");
  let found = [];
  let place = -1;
  let waiting;

  const look = async () => {
    const part = field.value;
    await paths.load();
    if (field.value !== part) return;
    found = part ? paths.search(part) : [];
    place = -1;
    said.textContent = part ? `${count(found.length)} found` : "";
    set({ selection: found.length ? picked(stage.count, found, part) : null, image: -1 });
  };
  field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(look, 250); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    if (place < 0) await look();
    if (!found.length) return;
    place = (place + 1) % found.length;
    said.textContent = `${count(place + 1)} of ${count(found.length)}`;
    stage.visit(found[place]);
    set({ image: found[place] });
  });
  field.addEventListener("search", () => { if (!field.value && state.selection) look(); });
}

function picked(n, found, part) {
  const mask = new Uint8Array(n);
  for (const image of found) mask[image] = 1;
  return { mask, count: found.length, what: `with “${part}” in their path` };
}
