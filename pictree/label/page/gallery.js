// The gallery: only what is in view is in the document, so that 100,000 pictures scroll smoothly.

import { $, count, h } from "./dom.js";
import { boxFor, paint } from "./tiles.js";

const GAP = 6, PAD = 12, AHEAD = 3;
const SIZES = [32, 44, 56, 84, 112, 168];

export class Gallery {
  constructor({ changed, open }) {
    this.view = $("gallery");
    this.inner = this.view.firstElementChild;
    this.ids = [];
    this.chosen = new Set();
    this.wrong = new Set();
    this.accepted = 0;
    this.active = 0;
    this.anchor = 0;
    this.size = null;
    this.shown = new Map();
    this.changed = changed;
    this.open = open;
    this.view.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.layout()).observe(this.view);
    this.view.addEventListener("keydown", (event) => this.onKey(event));
    this.view.addEventListener("dblclick", (event) => {
      const place = this.placeOf(event.target);
      if (place >= 0) this.open(this.ids[place]);
    });
    this.listenToPointer();
  }

  show(ids, tile, wrong = []) {
    const same = ids.length === this.ids.length && ids.every((id, i) => id === this.ids[i]);
    this.ids = ids;
    this.tile = tile;
    this.size ??= Math.max(...tile) > 40 ? 3 : 2;  // photographs need more room than digits
    this.wrong = new Set(wrong);
    if (!same) {
      this.chosen.clear();
      this.active = this.anchor = 0;
      this.view.scrollTop = 0;
    }
    this.layout();
    this.changed();
  }

  resize(step) {
    this.size = Math.min(SIZES.length - 1, Math.max(0, this.size + step));
    this.layout();
  }

  accept(n) {
    this.accepted = n;
    for (const [place, element] of this.shown) this.mark(element, place);
  }

  choose(places, on = true) {
    for (const place of places) {
      if (on) this.chosen.add(this.ids[place]);
      else this.chosen.delete(this.ids[place]);
    }
    this.refresh();
  }

  clear() {
    this.chosen.clear();
    this.refresh();
  }

  refresh() {
    for (const [place, element] of this.shown) this.mark(element, place);
    this.changed();
  }

  layout() {
    if (!this.tile) return;
    this.box = boxFor(this.tile, SIZES[this.size]);
    const width = this.view.clientWidth - 2 * PAD + GAP;
    this.columns = Math.max(1, Math.floor(width / (this.box.width + GAP)));
    this.step = this.box.height + GAP;
    const rows = Math.ceil(this.ids.length / this.columns);
    this.inner.style.height = `${rows * this.step + 2 * PAD}px`;
    for (const element of this.shown.values()) element.remove();
    this.shown.clear();
    this.draw();
  }

  draw() {
    const first = Math.max(0, Math.floor((this.view.scrollTop - PAD) / this.step) - AHEAD);
    const last = Math.ceil((this.view.scrollTop + this.view.clientHeight) / this.step) + AHEAD;
    const from = first * this.columns, to = Math.min(this.ids.length, last * this.columns);
    for (const [place, element] of this.shown) {
      if (place >= from && place < to) continue;
      element.remove();
      this.shown.delete(place);
    }
    for (let place = from; place < to; place++) {
      if (this.shown.has(place)) continue;
      const element = this.make(place);
      this.shown.set(place, element);
      this.inner.append(element);
    }
    this.view.setAttribute("aria-activedescendant", this.shown.has(this.active) ? `p${this.active}` : "");
  }

  make(place) {
    const element = h("div", {
      id: `p${place}`,
      class: "tile",
      role: "option",
      "aria-setsize": this.ids.length,
      "aria-posinset": place + 1,
      "aria-label": `picture ${count(place + 1)}`,
    });
    element.dataset.place = place;
    const x = PAD + (place % this.columns) * (this.box.width + GAP);
    const y = PAD + Math.floor(place / this.columns) * this.step;
    element.style.transform = `translate(${x}px, ${y}px)`;
    paint(element, this.ids, place, this.box);
    this.mark(element, place);
    return element;
  }

  mark(element, place) {
    const id = this.ids[place];
    element.classList.toggle("on", this.chosen.has(id));
    element.classList.toggle("wrong", this.wrong.has(id));
    element.classList.toggle("beyond", place >= this.accepted);
    element.classList.toggle("active", place === this.active);
    element.setAttribute("aria-selected", this.chosen.has(id));
  }

  placeOf(target) {
    const tile = target.closest?.(".tile");
    return tile ? Number(tile.dataset.place) : -1;
  }

  placesBetween(a, b) {
    const low = Math.min(a, b), high = Math.max(a, b);
    return Array.from({ length: high - low + 1 }, (_, i) => low + i);
  }

  onKey(event) {
    const page = Math.max(1, Math.floor(this.view.clientHeight / this.step)) * this.columns;
    const steps = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns,
      PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity,
    };
    if (event.key === " ") {
      this.choose([this.active], !this.chosen.has(this.ids[this.active]));
      this.anchor = this.active;
    } else if (event.key in steps && !event.altKey) {
      this.go(this.active + steps[event.key], event.shiftKey);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  go(place, extend) {
    this.active = Math.max(0, Math.min(this.ids.length - 1, place));
    if (extend) this.choose(this.placesBetween(this.anchor, this.active));
    else this.anchor = this.active;
    const top = PAD + Math.floor(this.active / this.columns) * this.step;
    const bottom = top + this.box.height + PAD;
    if (top - PAD < this.view.scrollTop) this.view.scrollTop = top - PAD;
    else if (bottom > this.view.scrollTop + this.view.clientHeight) {
      this.view.scrollTop = bottom - this.view.clientHeight;
    }
    this.draw();
    this.refresh();
  }

  listenToPointer() {
    let start = null, path = null, line = null;
    const at = (event) => {
      const box = this.view.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top + this.view.scrollTop];
    };
    this.view.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.offsetX > this.view.clientWidth) return;
      start = { point: at(event), place: this.placeOf(event.target) };
    });
    this.view.addEventListener("pointermove", (event) => {
      if (!start || event.pointerType === "touch") return;
      const point = at(event);
      if (!path) {
        if (Math.hypot(point[0] - start.point[0], point[1] - start.point[1]) < 6) return;
        path = [start.point];
        this.view.setPointerCapture(event.pointerId);
        line = lassoLine(this.inner);
      }
      path.push(point);
      line.setAttribute("points", path.map((p) => p.map(Math.round).join(",")).join(" "));
    });
    const end = (event) => {
      if (path) {
        line.parentElement.remove();
        if (!event.shiftKey && !event.ctrlKey && !event.metaKey) this.chosen.clear();
        this.choose(this.inside(path));
      } else if (start && start.place >= 0 && event.type === "pointerup") this.click(start.place, event);
      start = path = line = null;
    };
    this.view.addEventListener("pointerup", end);
    this.view.addEventListener("pointercancel", () => {
      line?.parentElement.remove();
      start = path = line = null;
    });
  }

  click(place, event) {
    this.view.focus({ preventScroll: true });
    if (event.shiftKey) this.choose(this.placesBetween(this.anchor, place));
    else {
      this.anchor = place;
      this.choose([place], !this.chosen.has(this.ids[place]));
    }
    this.active = place;
    this.refresh();
  }

  // Places whose middle is inside the path, by the even-odd rule.
  inside(path) {
    const ys = path.map((p) => p[1]);
    const from = Math.max(0, Math.floor((Math.min(...ys) - PAD) / this.step)) * this.columns;
    const to = Math.min(this.ids.length, (Math.floor((Math.max(...ys) - PAD) / this.step) + 1) * this.columns);
    const found = [];
    for (let place = from; place < to; place++) {
      const x = PAD + (place % this.columns) * (this.box.width + GAP) + this.box.width / 2;
      const y = PAD + Math.floor(place / this.columns) * this.step + this.box.height / 2;
      let inside = false;
      for (let i = 0, j = path.length - 1; i < path.length; j = i++) {
        const [xi, yi] = path[i], [xj, yj] = path[j];
        if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
      }
      if (inside) found.push(place);
    }
    return found;
  }
}

function lassoLine(inner) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("class", "lasso");
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "polygon");
  drawing.append(line);
  inner.append(drawing);
  return line;
}
