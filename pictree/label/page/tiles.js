// Thumbnails cut from sheets.

import { pile } from "./pile.js";

export function boxFor(tile, longest) {
  const [width, height] = tile, largest = Math.max(width, height);
  let scale = longest / largest;
  if (scale > 1) scale = Math.max(1, Math.floor(scale * 2) / 2);
  return { width: Math.round(width * scale), height: Math.round(height * scale), grown: scale > 1 };
}

export function paint(element, ids, place, box) {
  const at = pile.thumbnail(ids, place), style = element.style;
  style.width = `${box.width}px`;
  style.height = `${box.height}px`;
  style.backgroundImage = `url("${at.url}")`;
  style.backgroundSize = `${at.columns * box.width}px ${at.rows * box.height}px`;
  style.backgroundPosition = `${-at.column * box.width}px ${-at.row * box.height}px`;
  element.classList.toggle("grown", box.grown);
}
