// Thumbnails: tiles of atlases, decoded when they are first needed.
import { none, uri } from "./data.js";

const MOST_DECODED = 48;

export class Atlas {
  /** @param {{width: number, height: number, columns: number, rows: number, inside: number, beside: string[]}|null} facts
   *  @param {import("./data.js").Numbers} tile place of each image's tile */
  constructor(facts, tile) {
    this.facts = facts;
    this.tile = tile;
    this.none = none(tile);
    /** @type {Map<number, HTMLImageElement>} */
    this.sheets = new Map();
    /** Called when a sheet has arrived. @type {() => void} */
    this.arrived = () => {};
  }

  /** @param {number} image */
  has(image) {
    return this.facts !== null && this.tile[image] !== this.none;
  }

  /** @param {number} number @returns {HTMLImageElement} */
  #sheet(number) {
    let sheet = this.sheets.get(number);
    if (sheet) this.sheets.delete(number);
    else {
      sheet = new Image();
      sheet.onload = () => this.arrived();
      const { inside, beside } = this.facts;
      sheet.src = number < inside ? uri(`atlas-${number}`) : beside[number - inside];
    }
    this.sheets.set(number, sheet); // the last used stands last
    if (this.sheets.size > MOST_DECODED) this.sheets.delete(this.sheets.keys().next().value);
    return sheet;
  }

  /** Size of a thumbnail whose longest side is `side`. @param {number} side */
  fitted(side) {
    const { width, height } = this.facts ?? { width: 1, height: 1 };
    const scale = side / Math.max(width, height);
    return [width * scale, height * scale];
  }

  /** Draw an image's thumbnail; false while its sheet is on the way. */
  draw(context, image, x, y, side) {
    const { width, height, columns, rows } = this.facts;
    const place = this.tile[image];
    const sheet = this.#sheet(Math.floor(place / (columns * rows)));
    if (!sheet.complete || !sheet.naturalWidth) return false;
    const at = place % (columns * rows);
    const [w, h] = this.fitted(side);
    context.imageSmoothingEnabled = side < 2 * Math.max(width, height);
    const [left, top] = [(at % columns) * width, Math.floor(at / columns) * height];
    context.drawImage(sheet, left, top, width, height, x, y, w, h);
    return true;
  }

  /** Wait for the sheets of some images. @param {number[]} images */
  async ready(images) {
    const { columns, rows } = this.facts;
    const sheets = new Set(images.map((i) => Math.floor(this.tile[i] / (columns * rows))));
    await Promise.all([...sheets].map((number) => this.#sheet(number).decode().catch(() => {})));
  }

  /** A strip of thumbnails as one canvas. @param {number[]} images @param {number} side */
  async strip(canvas, images, side, columns) {
    const shown = images.filter((image) => this.has(image));
    const [w, h] = this.fitted(side).map((v) => Math.max(1, Math.round(v)));
    const [gap, ratio] = [4, Math.min(2, globalThis.devicePixelRatio || 1)];
    const lines = Math.ceil(shown.length / columns);
    const across = Math.min(columns, shown.length);
    canvas.width = Math.max(1, across * (w + gap) - gap) * ratio;
    canvas.height = Math.max(1, lines * (h + gap) - gap) * ratio;
    canvas.style.width = `${canvas.width / ratio}px`;
    if (!shown.length) return;
    await this.ready(shown);
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    shown.forEach((image, i) => {
      this.draw(context, image, (i % columns) * (w + gap), Math.floor(i / columns) * (h + gap), side);
    });
  }
}
