// The images that are picked: how many, of which clusters, and as a CSV.
import { NONE } from "./groups.js";
import { row, save } from "./save.js";
import { set, state } from "./state.js";
import { counted, dot, make, percent } from "./words.js";

const PICTURES = 40;

/** @param {HTMLElement} panel @param {any} page colouring, atlas, paths, ids */
export function selection(panel, page) {
  const { selection: picked, k } = state;
  panel.hidden = !picked;
  if (!picked) return;
  const groups = page.colouring.groups("cluster", k);
  panel.querySelector("h3").textContent = `${counted(picked.count, "image")} selected`;
  panel.querySelector("p").textContent = picked.what;
  const held = holds(picked.mask, groups.of);
  panel.querySelector("ul").replaceChildren(...held.slice(0, 12).map(([group, n]) => {
    const isNone = group === NONE;
    const name = isNone ? groups.rest : `Cluster ${group}`;
    const colour = isNone ? "#8b9097" : groups.colours[group];
    return make("li", {}, dot(colour), make("span", {}, name), make("span", {}, `${n.toLocaleString("en-US")}, ${percent(n, picked.count)}`));
  }), ...(held.length > 12 ? [make("li", {}, `and ${held.length - 12} more clusters`)] : []));
  pictures(panel.querySelector("canvas"), picked, page.atlas);
}

/** @returns {Array<[number, number]>} cluster and count, biggest first */
export function holds(mask, of) {
  const counts = new Map();
  mask.forEach((is, image) => { if (is) counts.set(of[image], (counts.get(of[image]) ?? 0) + 1); });
  return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
}

/** Some of them, evenly from all. */
function pictures(canvas, picked, atlas) {
  const images = [];
  picked.mask.forEach((is, image) => { if (is && atlas.has(image)) images.push(image); });
  const step = Math.max(1, images.length / PICTURES);
  const some = Array.from({ length: Math.min(PICTURES, images.length) }, (_, i) => images[Math.floor(i * step)]);
  canvas.hidden = !some.length;
  canvas.setAttribute("aria-label", `${some.length} of them`);
  const columns = Math.max(4, Math.floor((canvas.parentElement.clientWidth + 4) / 34));
  if (some.length) atlas.strip(canvas, some, 30, columns);
}

/** @param {any} page @returns {Promise<string>} the selection as CSV */
export async function table({ colouring, arrays, facts, paths, ids }) {
  await paths.load();
  const { mask } = state.selection;
  const { of } = colouring.groups("cluster", state.k);
  const known = arrays.known ? colouring.groups("known", 0) : null;
  const lines = [row(["id", "path", "cluster", ...(known ? ["known_label"] : [])])];
  mask.forEach((is, image) => {
    if (!is) return;
    const label = known ? [known.of[image] === NONE ? "" : facts.known[known.of[image]]] : [];
    lines.push(row([ids[image], paths.of(image), of[image] === NONE ? -1 : of[image], ...label]));
  });
  return lines.join("");
}

/** @param {HTMLElement} panel @param {any} page */
export function buttons(panel, page) {
  const [csv, clear] = panel.querySelectorAll("button");
  csv.addEventListener("click", async () => save("selection.csv", await table(page)));
  clear.addEventListener("click", () => set({ selection: null }));
}
