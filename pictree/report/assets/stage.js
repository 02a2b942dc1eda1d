// The map itself: its camera, its points, and what is near a pixel.
import { NONE } from "./groups.js";
import { Grid } from "./grid.js";
import { Camera } from "./camera.js";
import { Marks, PICTURE } from "./marks.js";
import { Points, shuffled } from "./points.js";
import { Splats } from "./splats.js";
import { soon, state } from "./state.js";

const CROWD = 2.5; // points for each place of a picture, up to which pictures are shown
const SLOW = 45; // milliseconds between frames
const LEAST = 40_000; // points of a quick frame
const MOVE = 550; // milliseconds

export class Stage {
  /** @param {HTMLElement} box @param {Uint16Array[]} maps @param {import("./atlas.js").Atlas} atlas */
  constructor(box, maps, atlas) {
    Object.assign(this, { box, maps, atlas });
    this.count = maps[0].length / 2;
    this.camera = new Camera();
    this.order = shuffled(this.count);
    this.marks = new Marks(this, box.querySelector("canvas.marks"));
    this.painter = this.#painter();
    /** @type {Map<Uint16Array, Grid>} */
    this.grids = new Map();
    this.shades = new Uint32Array(this.count);
    this.quick = this.count; // points of a frame while the camera moves
    this.line = []; // of the lasso, in pixels
    this.visited = -1; // the image that the camera flew to
    /** @type {Array<number[]>} pictures that are shown: image, x, y, width, height */
    this.drawn = [];
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.render = soon(() => this.#frame());
    atlas.arrived = () => this.render();
    this.show(0, false);
    new ResizeObserver(() => this.#resize()).observe(box);
    this.#resize();
    this.camera = Object.assign(this.camera, this.camera.home());
  }

  #painter() {
    const canvas = this.box.querySelector("canvas.points");
    try {
      const painter = new Points(canvas, this.order);
      canvas.addEventListener("webglcontextlost", () => this.useSplats());
      return painter;
    } catch {
      return new Splats(this.#fresh(canvas), this.order);
    }
  }

  /** A canvas that was asked for one kind of context gives no other any more. */
  #fresh(canvas) {
    const fresh = canvas.cloneNode();
    canvas.replaceWith(fresh);
    return fresh;
  }

  /** Draw by WebGL even without a graphics card; for the tests. */
  usePoints() {
    this.#use((canvas) => new Points(canvas, this.order, false));
  }

  /** Draw without WebGL: its context was lost, as after a computer slept. */
  useSplats() {
    this.#use((canvas) => new Splats(canvas, this.order));
  }

  /** @param {(canvas: HTMLCanvasElement) => Points|Splats} make */
  #use(make) {
    this.painter = make(this.#fresh(this.box.querySelector("canvas.points")));
    this.painter.places(this.places, this.places);
    this.painter.colours(this.shades);
    this.render();
  }

  /** Places of the map that is shown. */
  get places() {
    return this.maps[state.map];
  }

  /** @returns {Grid} of the map that is shown */
  get grid() {
    const { places } = this;
    if (!this.grids.has(places)) this.grids.set(places, new Grid(places));
    return this.grids.get(places);
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!width || !height) return;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const whole = this.camera.whole;
    Object.assign(this.camera, { width, height });
    this.camera.scale *= this.camera.whole / whole;
    for (const canvas of this.box.querySelectorAll("canvas")) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    this.render();
  }

  /** Switch to a map; the points travel there. @param {number} number */
  show(number, travels = true) {
    const before = this.maps[this.shown ?? number];
    this.shown = number;
    const places = this.maps[number];
    this.painter.places(before, places);
    const extent = [1, 1e-6];
    for (let i = 0; i < places.length; i += 2) {
      if (places[i + 1] > extent[1]) extent[1] = places[i + 1];
      if (places[i] > extent[0]) extent[0] = places[i];
    }
    this.camera.extent = extent.map((v, i) => Math.max(v / 65535, i ? 0.02 : 0.02));
    this.moving = travels && !this.still.matches ? { since: performance.now(), kind: "map" } : null;
    if (travels) this.fly(this.camera.home());
    this.render();
  }

  /** Move the camera. @param {{x: number, y: number, scale: number}} to */
  fly(to) {
    const { x, y, scale } = this.camera;
    this.flight = { from: { x, y, scale }, to, since: performance.now() };
    if (this.still.matches) this.flight.since -= MOVE;
    this.render();
  }

  /** @param {import("./groups.js").Groups} groups */
  paint(groups) {
    this.groups = groups;
    const { selection, group } = state;
    const colours = [...groups.colours, getComputedStyle(this.box).getPropertyValue("--rest")];
    const shade = colours.map((colour) => {
      const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.trim().slice(i, i + 2), 16));
      return (r | (g << 8) | (b << 16)) >>> 0;
    });
    const rest = colours.length - 1;
    const faint = group >= 0 || selection;
    for (let i = 0; i < this.count; i++) {
      const own = groups.of[i];
      const full = (group < 0 || own === group) && (!selection || selection.mask[i]);
      const solid = !faint ? 0xd0 : full ? 0xff : 0x1c;
      this.shades[i] = (shade[own === NONE ? rest : own] | (solid << 24)) >>> 0;
    }
    this.painter.colours(this.shades);
    this.marks.name(groups);
    this.render();
  }

  /** Side of a point in pixels: small where there are many. */
  get side() {
    const room = Math.sqrt((this.camera.width * this.camera.height) / this.count);
    const near = Math.sqrt(this.camera.scale / this.camera.whole);
    return Math.min(14, Math.max(this.count < 200_000 ? 2 : 1.2, 0.45 * room * near));
  }

  /** Places for pictures on the stage. */
  get room() {
    return (this.camera.width * this.camera.height) / PICTURE ** 2;
  }

  /** Whether there is room for pictures in place of points. */
  get isNear() {
    return this.atlas.facts !== null && this.grid.count(this.camera.seen) <= CROWD * this.room;
  }

  #frame() {
    const now = performance.now();
    const turning = this.moving ? Math.min(1, (now - this.moving.since) / MOVE) : 1;
    if (turning === 1) this.moving = null;
    this.#steer(now);
    const active = this.moving || this.flight || this.busy;
    this.#pace(now, active);
    const eased = turning * turning * (3 - 2 * turning);
    this.painter.draw(this.camera, eased, this.side, active ? this.quick : this.count);
    this.marks.draw(Boolean(this.moving));
    if (this.moving || this.flight) this.render();
    this.box.dispatchEvent(new Event("drawn"));
  }

  /** Draw fewer points while the camera moves, if all of them take too long. */
  #pace(now, active) {
    const passed = now - (this.last ?? 0);
    this.last = now;
    if (!active) return;
    clearTimeout(this.rest);
    this.rest = setTimeout(() => { this.busy = false; this.render(); }, 160);
    if (passed > 400) return;
    if (passed > SLOW) this.quick = Math.max(LEAST, Math.min(this.quick, this.count) * 0.7);
    else if (passed < SLOW / 2) this.quick = Math.min(this.count, this.quick * 1.15);
  }

  #steer(now) {
    if (!this.flight) return;
    const { from, to, since } = this.flight;
    const share = Math.min(1, (now - since) / MOVE);
    const eased = share * share * (3 - 2 * share);
    for (const key of ["x", "y"]) this.camera[key] = from[key] + eased * (to[key] - from[key]);
    this.camera.scale = from.scale * (to.scale / from.scale) ** eased;
    if (share === 1) this.flight = null;
  }

  /** The image at a pixel; -1 for none. @param {number} px @param {number} py */
  at(px, py) {
    const hit = this.drawn.findLast(([, x, y, w, h]) => px >= x - 2 && py >= y - 2 && px <= x + w + 2 && py <= y + h + 2);
    if (hit) return hit[0];
    const [x, y] = this.camera.toPlace(px, py);
    return this.grid.nearest(x, y, 14 / this.camera.scale);
  }

  /** Pixel of an image. @param {number} image */
  pixel(image) {
    const { places } = this;
    return this.camera.toPixel(places[2 * image] / 65535, places[2 * image + 1] / 65535);
  }

  /** Fly to an image, near enough to see it as a picture. @param {number} image */
  visit(image) {
    this.visited = image;
    const { places } = this;
    const [x, y] = [places[2 * image] / 65535, places[2 * image + 1] / 65535];
    let scale = Math.max(this.camera.scale, this.camera.whole);
    const many = (s) => {
      const [w, h] = [this.camera.width / s / 2, this.camera.height / s / 2];
      return this.grid.count([x - w, y - h, x + w, y + h]) > 2 * this.room;
    };
    while (scale < 400 * this.camera.whole && many(scale)) scale *= 1.3;
    this.fly({ x, y, scale });
  }
}
