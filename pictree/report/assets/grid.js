// Which points lie where: a map's points sorted into square cells.

export class Grid {
  /** @param {Uint16Array} places x and y of each point */
  constructor(places) {
    this.places = places;
    const n = places.length / 2;
    this.side = Math.min(1024, Math.max(8, Math.round(Math.sqrt(n / 4))));
    const cells = this.side * this.side;
    const cell = new Uint32Array(n);
    this.starts = new Uint32Array(cells + 1);
    for (let i = 0; i < n; i++) {
      cell[i] = this.#at(places[2 * i + 1]) * this.side + this.#at(places[2 * i]);
      this.starts[cell[i] + 1]++;
    }
    for (let c = 0; c < cells; c++) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice(0, cells);
    this.points = new Uint32Array(n);
    for (let i = 0; i < n; i++) this.points[next[cell[i]]++] = i;
  }

  /** @param {number} step from 0 to 65535 */
  #at(step) {
    return Math.min(this.side - 1, Math.max(0, Math.floor((step / 65536) * this.side)));
  }

  /**
   * Call for every point in the cells that a box touches, in places from 0 to 1.
   * @param {number[]} box [left, low, right, high] @param {(point: number) => void} call
   */
  each([left, low, right, high], call) {
    if (right < 0 || high < 0 || left > 1 || low > 1) return;
    const [a, b, c, d] = [left, low, right, high].map((v) => this.#at(v * 65535));
    for (let row = b; row <= d; row++) {
      const from = this.starts[row * this.side + a];
      const to = this.starts[row * this.side + c + 1];
      for (let i = from; i < to; i++) call(this.points[i]);
    }
  }

  /** How many points the cells that a box touches hold. @param {number[]} box */
  count([left, low, right, high]) {
    if (right < 0 || high < 0 || left > 1 || low > 1) return 0;
    const [a, b, c, d] = [left, low, right, high].map((v) => this.#at(v * 65535));
    let sum = 0;
    for (let row = b; row <= d; row++) {
      sum += this.starts[row * this.side + c + 1] - this.starts[row * this.side + a];
    }
    return sum;
  }

  /** The point nearest to a place, within a reach; -1 for none. */
  nearest(x, y, reach) {
    let best = -1;
    let least = reach * reach;
    this.each([x - reach, y - reach, x + reach, y + reach], (point) => {
      const dx = this.places[2 * point] / 65535 - x;
      const dy = this.places[2 * point + 1] / 65535 - y;
      const apart = dx * dx + dy * dy;
      if (apart < least) {
        least = apart;
        best = point;
      }
    });
    return best;
  }
}
