// Which part of a map is seen: places from 0 to 1 against pixels of the stage.

export class Camera {
  constructor() {
    this.x = 0.5;
    this.y = 0.5;
    this.scale = 500;
    this.width = 1;
    this.height = 1;
    this.extent = [1, 1];
  }

  /** Pixels for the whole map. */
  get whole() {
    return 0.94 * Math.min(this.width / this.extent[0], this.height / this.extent[1]);
  }

  /** Where the camera stands when it sees the whole map. */
  home() {
    return { x: this.extent[0] / 2, y: this.extent[1] / 2, scale: this.whole };
  }

  /** @param {number} x @param {number} y @returns {[number, number]} */
  toPixel(x, y) {
    return [
      (x - this.x) * this.scale + this.width / 2,
      (this.y - y) * this.scale + this.height / 2,
    ];
  }

  /** @param {number} px @param {number} py @returns {[number, number]} */
  toPlace(px, py) {
    return [
      (px - this.width / 2) / this.scale + this.x,
      this.y - (py - this.height / 2) / this.scale,
    ];
  }

  /** Seen part as [left, low, right, high]. */
  get seen() {
    const [left, high] = this.toPlace(0, 0);
    const [right, low] = this.toPlace(this.width, this.height);
    return [left, low, right, high];
  }

  /** Zoom about a pixel. @param {number} times @param {number} px @param {number} py */
  zoom(times, px = this.width / 2, py = this.height / 2) {
    const [x, y] = this.toPlace(px, py);
    this.scale = Math.min(Math.max(this.scale * times, this.whole / 2), this.whole * 400);
    const [nx, ny] = this.toPlace(px, py);
    this.x += x - nx;
    this.y += y - ny;
    this.#hold();
  }

  /** @param {number} dx pixels @param {number} dy pixels */
  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y += dy / this.scale;
    this.#hold();
  }

  /** Keep the middle on the map. */
  #hold() {
    this.x = Math.min(Math.max(this.x, 0), this.extent[0]);
    this.y = Math.min(Math.max(this.y, 0), this.extent[1]);
  }
}
