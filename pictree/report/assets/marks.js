// What is drawn over the points: pictures where there is room, names, a ring, the lasso's line.
import { NONE } from "./groups.js";
import { state } from "./state.js";

export const PICTURE = 36; // least longest side of a picture's place, in pixels
const LARGEST = 76;
const FRAME = 2;
const FEW = 600; // points in view of which each is tried
const CELLS = 32; // of a map's side, in which a group's fullest place is looked for
const MOST_NAMES = 60;

export class Marks {
  /** @param {import("./stage.js").Stage} stage @param {HTMLCanvasElement} canvas */
  constructor(stage, canvas) {
    Object.assign(this, { stage, canvas, pen: canvas.getContext("2d"), names: [] });
  }

  /** @param {boolean} isTurning the points travel to another map */
  draw(isTurning) {
    const { pen, stage } = this;
    const { width, height } = stage.camera;
    const ratio = this.canvas.width / width;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    stage.drawn = [];
    if (isTurning) return;
    if (stage.isNear) this.#pictures();
    this.#write();
    if (state.image >= 0) this.#ring(state.image);
    if (stage.line.length > 1) this.#lasso();
  }

  /** Find where each group's name stands: in the middle of its fullest place. */
  name(groups) {
    const { count, places } = this.stage;
    this.groups = groups;
    this.names = [];
    if (groups.names.length > MOST_NAMES) return;
    const cells = CELLS * CELLS;
    const counts = new Uint32Array(groups.names.length * cells);
    for (let i = 0; i < count; i++) {
      if (groups.of[i] === NONE) continue;
      counts[groups.of[i] * cells + (places[2 * i + 1] >> 11) * CELLS + (places[2 * i] >> 11)]++;
    }
    groups.names.forEach((name, group) => {
      const at = fullest(counts.subarray(group * cells, (group + 1) * cells));
      if (at && name.length <= 24) this.names.push({ name, group, x: at[0], y: at[1] });
    });
  }

  #pictures() {
    const { pen, stage } = this;
    const { camera, atlas, grid, places, shades } = stage;
    const seen = grid.count(camera.seen);
    const place = Math.min(LARGEST, Math.max(PICTURE, PICTURE * Math.sqrt(stage.room / (2 * seen + 1))));
    const [w, h] = atlas.fitted(place - 6);
    const taken = new Map();
    grid.each(camera.seen, (point) => {
      if (!atlas.has(point) || shades[point] >>> 24 < 0x80) return;
      const [x, y] = camera.toPixel(places[2 * point] / 65535, places[2 * point + 1] / 65535);
      // Cells are fixed to the map, so that panning does not change the choice.
      const [cx, cy] = [x + camera.x * camera.scale, y - camera.y * camera.scale];
      const cell = seen < FEW ? point : `${Math.floor(cx / place)} ${Math.floor(cy / place)}`;
      if (!taken.has(cell)) taken.set(cell, [point, x - w / 2, y - h / 2]);
    });
    const chosen = [...taken.values()];
    // Who flew to an image wants to see it, and not one that covers it.
    if (stage.visited >= 0 && atlas.has(stage.visited)) {
      const [x, y] = stage.pixel(stage.visited);
      chosen.unshift([stage.visited, x - w / 2, y - h / 2]);
    }
    for (const [point, left, top] of chosen) {
      const covers = ([, a, b]) => Math.abs(a - left) < w + 3 && Math.abs(b - top) < h + 3;
      if (stage.drawn.some(covers)) continue;
      const group = this.groups.of[point];
      pen.fillStyle = group === NONE ? "#8b9097" : this.groups.colours[group];
      pen.fillRect(left - FRAME, top - FRAME, w + 2 * FRAME, h + 2 * FRAME);
      atlas.draw(pen, point, left, top, place - 6);
      stage.drawn.push([point, left, top, w, h]);
    }
  }

  #write() {
    const { pen } = this;
    const { camera, box } = this.stage;
    pen.font = `700 ${camera.scale > 3 * camera.whole ? 20 : 15}px system-ui, sans-serif`;
    Object.assign(pen, { textAlign: "center", textBaseline: "middle", lineWidth: 4, lineJoin: "round" });
    const style = getComputedStyle(box);
    pen.strokeStyle = style.getPropertyValue("--sheet");
    pen.fillStyle = style.getPropertyValue("--ink");
    for (const { name, group, x, y } of this.names) {
      if (state.group >= 0 && state.group !== group) continue;
      const at = camera.toPixel(x, y);
      pen.strokeText(name, ...at);
      pen.fillText(name, ...at);
    }
  }

  #ring(image) {
    const { pen, stage } = this;
    const shown = stage.drawn.find(([other]) => other === image);
    pen.beginPath();
    if (shown) pen.rect(shown[1] - 4, shown[2] - 4, shown[3] + 8, shown[4] + 8);
    else pen.arc(...stage.pixel(image), 9, 0, 7);
    for (const [colour, wide] of [["#fff", 5], ["#000", 2.5]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = wide;
      pen.stroke();
    }
  }

  #lasso() {
    const { pen } = this;
    pen.beginPath();
    this.stage.line.forEach(([x, y], i) => pen[i ? "lineTo" : "moveTo"](x, y));
    pen.closePath();
    pen.fillStyle = "#3f90da33";
    pen.fill();
    pen.strokeStyle = "#0b5fae";
    pen.lineWidth = 2;
    pen.setLineDash([6, 4]);
    pen.stroke();
    pen.setLineDash([]);
  }
}

/** The middle of the 3 × 3 cells that hold most, or null. @param {Uint32Array} own */
function fullest(own) {
  let [best, most] = [-1, 0];
  for (let cell = 0; cell < own.length; cell++) {
    if (!own[cell]) continue;
    const [x, y] = [cell % CELLS, Math.floor(cell / CELLS)];
    let sum = own[cell];
    for (let v = Math.max(0, y - 1); v <= Math.min(CELLS - 1, y + 1); v++) {
      for (let u = Math.max(0, x - 1); u <= Math.min(CELLS - 1, x + 1); u++) sum += own[v * CELLS + u];
    }
    if (sum > most) [best, most] = [cell, sum];
  }
  return best < 0 ? null : [((best % CELLS) + 0.5) / CELLS, (Math.floor(best / CELLS) + 0.5) / CELLS];
}
