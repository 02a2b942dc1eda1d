// Paths of the images: one long text with a line for each, unpacked when first asked for.
import { text } from "./data.js";

/** Invisible signs spelled out, so that no name can look like another one. @param {string} name */
export function shown(name) {
  return name.replace(/(?! )[\p{C}\p{Z}]/gu, (sign) => {
    const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[sign];
    const code = sign.codePointAt(0);
    if (short) return short;
    if (code < 256) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code < 65536
      ? `\\u${code.toString(16).padStart(4, "0")}`
      : `\\U${code.toString(16).padStart(8, "0")}`;
  });
}

export class Paths {
  /** @type {Promise<void>|null} */
  #loading = null;

  /** Unpack them; again is free. */
  load() {
    this.#loading ??= text("paths").then((lines) => {
      this.lines = lines;
      const starts = [0];
      for (let at = lines.indexOf("\n"); at >= 0; at = lines.indexOf("\n", at + 1)) {
        starts.push(at + 1);
      }
      this.starts = Uint32Array.from(starts);
    });
    return this.#loading;
  }

  /** The true path. @param {number} image */
  of(image) {
    const end = image + 1 < this.starts.length ? this.starts[image + 1] - 1 : this.lines.length;
    return JSON.parse(this.lines.slice(this.starts[image], end));
  }

  /** The line that a place of the long text is in. @param {number} at */
  #line(at) {
    let [low, high] = [0, this.starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Images whose path holds a text, whatever its case. @param {string} part @returns {number[]} */
  search(part) {
    this.small ??= this.lines.toLowerCase();
    // Some letters change their length: places must stay the same.
    if (this.small.length !== this.lines.length) this.small = this.lines;
    const wanted = JSON.stringify(part.toLowerCase()).slice(1, -1);
    const found = [];
    for (let at = this.small.indexOf(wanted); at >= 0; ) {
      const image = this.#line(at);
      found.push(image);
      const next = this.starts[image + 1];
      at = next === undefined ? -1 : this.small.indexOf(wanted, next);
    }
    return found;
  }
}
