// What is known of the image that is pointed at.
import { NONE } from "./groups.js";
import { shown } from "./paths.js";
import { state } from "./state.js";
import { make } from "./words.js";

const SHOWN = 112;
const BUTTONS = 52; // width of the buttons at the right

/** @param {HTMLElement} card @param {any} page stage, atlas, paths, colouring */
export async function imageFacts(card, { stage, atlas, paths, colouring }) {
  const { image } = state;
  card.hidden = image < 0;
  if (image < 0) return;
  await paths.load();
  if (state.image !== image) return;
  card.querySelector("bdi").textContent = shown(paths.of(image));
  const lines = colouring.choices.map(([key, title]) => [title, nameOf(colouring.groups(key, state.k), image)]);
  card.querySelector("dl").replaceChildren(
    ...lines.flatMap(([title, name]) => [make("dt", {}, title), make("dd", {}, make("bdi", {}, name))]),
  );
  const canvas = card.querySelector("canvas");
  canvas.hidden = !atlas.has(image);
  if (!canvas.hidden) atlas.strip(canvas, [image], SHOWN, 1);
  place(card, stage, image);
}

/** @param {import("./groups.js").Groups} groups @param {number} image */
export function nameOf(groups, image) {
  return groups.of[image] === NONE ? groups.rest : groups.names[groups.of[image]];
}

/** Beside the image, inside the map. */
function place(card, stage, image) {
  const [x, y] = stage.pixel(image);
  const { width, height } = stage.camera;
  const { offsetWidth: w, offsetHeight: h } = card;
  const left = x + 44 + w < width - BUTTONS ? x + 44 : x - 44 - w;
  card.style.left = `${Math.max(4, Math.min(left, width - w - 4))}px`;
  card.style.top = `${Math.max(4, Math.min(y - h / 2, height - h - 4))}px`;
}
