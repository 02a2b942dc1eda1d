// All points of a map without WebGL: squares written into the pixels of a 2-D canvas.

export class Splats {
  /** @param {HTMLCanvasElement} canvas @param {Uint32Array} order */
  constructor(canvas, order) {
    this.context = canvas.getContext("2d");
    this.order = order;
  }

  places(before, after) {
    Object.assign(this, { before, after });
  }

  colours(colours) {
    this.shades = colours;
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

  #write(camera, share, square, count) {
    const { before, after, shades, order, pixels } = this;
    const { width, height } = this.context.canvas;
    const scale = (camera.scale * width) / camera.width;
    const [left, top] = [width / 2 - camera.x * scale - square / 2, height / 2 + camera.y * scale - square / 2];
    const step = scale / 65535;
    for (let i = 0; i < count; i++) {
      const p = order[i];
      const x = Math.round(left + step * (before[2 * p] + share * (after[2 * p] - before[2 * p])));
      const y = Math.round(top - step * (before[2 * p + 1] + share * (after[2 * p + 1] - before[2 * p + 1])));
      if (x < 0 || y < 0 || x + square > width || y + square > height) continue;
      const shade = shades[p];
      for (let row = 0, at = y * width + x; row < square; row++, at += width) {
        for (let column = 0; column < square; column++) {
          // A faint point never covers a full one.
          if (shade >>> 24 >= pixels[at + column] >>> 24) pixels[at + column] = shade;
        }
      }
    }
  }
}
