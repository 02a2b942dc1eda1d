// Points inside a line drawn around them.

/**
 * Even-odd rule: a ray to the right crosses the line an odd number of times.
 * @param {Array<[number, number]>} line @param {number} x @param {number} y
 */
export function inside(line, x, y) {
  let is = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
    const [ax, ay] = line[i];
    const [bx, by] = line[j];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) is = !is;
  }
  return is;
}

/** @param {Array<[number, number]>} line @returns {number[]} [left, low, right, high] */
export function boxOf(line) {
  const xs = line.map(([x]) => x);
  const ys = line.map(([, y]) => y);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/**
 * @param {import("./grid.js").Grid} grid @param {Array<[number, number]>} line places from 0 to 1
 * @returns {{mask: Uint8Array, count: number}}
 */
export function encircled(grid, line) {
  const mask = new Uint8Array(grid.places.length / 2);
  let count = 0;
  grid.each(boxOf(line), (point) => {
    const x = grid.places[2 * point] / 65535;
    const y = grid.places[2 * point + 1] / 65535;
    if (!inside(line, x, y)) return;
    mask[point] = 1;
    count++;
  });
  return { mask, count };
}
