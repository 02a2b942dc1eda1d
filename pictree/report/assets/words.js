// Numbers as a person reads them; the same words as the rest of the page.

/** @param {number} number */
export const count = (number) => number.toLocaleString("en-US");

/** @param {number} number @param {string} noun */
export const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** @param {number} part @param {number} whole */
export function percent(part, whole) {
  const share = whole ? (100 * part) / whole : 0;
  if (share > 0 && share < 0.1) return "below\u00a00.1\u00a0%";
  return `${share.toFixed(share > 0 && share < 9.95 ? 1 : 0)}\u00a0%`;
}

/**
 * What a group holds: "22 are 4, 14 are 9, 3 of 2 other kinds".
 * @param {Array<[string, number]>} counts biggest first
 */
export function inWords(counts, size) {
  const parts = counts.slice(0, 5).map(([name, n]) => `${n} ${n === 1 ? "is" : "are"} ${name}`);
  const rest = counts.slice(5);
  const sum = (list) => list.reduce((total, [, n]) => total + n, 0);
  if (rest.length) {
    parts.push(`${sum(rest)} of ${rest.length === 1 ? "1 other kind" : `${rest.length} other kinds`}`);
  }
  const unknown = size - sum(counts);
  if (unknown) parts.push(`${unknown} without a known label`);
  return parts.join(", ");
}

/** An element with texts, attributes and children. @param {string} tag */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A part of a drawing. @param {string} tag */
export function draw(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A dot in a group's colour. @param {string} colour */
export function dot(colour) {
  const circle = draw("circle", { cx: 5, cy: 5, r: 5, fill: colour });
  return draw("svg", { viewBox: "0 0 10 10", "aria-hidden": "true", class: "dot" }, circle);
}
