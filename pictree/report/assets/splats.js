// All points of a map without WebGL: dots written into the pixels of a 2-D canvas.
import { ordered } from "./points.js";

/** Where each line of a dot begins and ends. @param {number} side in pixels */
function lines(side) {
  const middle = (side - 1) / 2;
  const ends = new Uint8Array(2 * side);
  for (let row = 0; row < side; row++) {
    const half = side < 4 ? middle : Math.sqrt(Math.max(0, (side / 2) ** 2 - (row - middle) ** 2));
    ends[2 * row] = Math.max(0, Math.round(middle - half));
    ends[2 * row + 1] = Math.min(side, Math.round(middle + half) + 1);
  }
  return ends;
}

export class Splats {
  /** @param {HTMLCanvasElement} canvas @param {Uint32Array} order */
  constructor(canvas, order) {
    this.context = canvas.getContext("2d");
    this.order = order;
  }

  places(before, after) {
    this.before = ordered(before, this.order, 2);
    this.after = before === after ? this.before : ordered(after, this.order, 2);
  }

  colours(colours) {
    this.shades = ordered(colours, this.order, 1);
  }

  /** See Points.draw. */
  draw(camera, share, side, most) {
    const { width, height } = this.context.canvas;
    if (this.image?.width !== width || this.image?.height !== height) {
      this.image = this.context.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    this.pixels.fill(0);
    const square = Math.max(1, Math.round((side * width) / camera.width));
    this.#write(camera, share, square, Math.min(most, this.order.length));
    this.context.putImageData(this.image, 0, 0);
  }

  #write(camera, share, side, count) {
    const { before, after, shades, pixels } = this;
    const { width, height } = this.context.canvas;
    const scale = (camera.scale * width) / camera.width;
    const left = width / 2 - camera.x * scale - side / 2 + 0.5;
    const top = height / 2 + camera.y * scale - side / 2 + 0.5;
    const step = scale / 65535;
    const still = share === 1;
    const dot = lines(side);
    for (let i = 0; i < count; i++) {
      let px = after[2 * i];
      let py = after[2 * i + 1];
      if (!still) {
        px = before[2 * i] + share * (px - before[2 * i]);
        py = before[2 * i + 1] + share * (py - before[2 * i + 1]);
      }
      const x = Math.floor(left + step * px);
      const y = Math.floor(top - step * py);
      if (x < 0 || y < 0 || x + side > width || y + side > height) continue;
      const shade = shades[i];
      for (let row = 0, at = y * width + x; row < side; row++, at += width) {
        const to = dot[2 * row + 1];
        for (let column = dot[2 * row]; column < to; column++) {
          // A faint point never covers a full one.
          if (shade >>> 24 >= pixels[at + column] >>> 24) pixels[at + column] = shade;
        }
      }
    }
  }
}
