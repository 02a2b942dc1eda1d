// Mouse, fingers and keys on the map.
import { encircled } from "./lasso.js";
import { set, state } from "./state.js";

const STEP = 60; // pixels of an arrow key
const TAP = 6; // pixels that a finger may slip

/** @param {import("./stage.js").Stage} stage @param {HTMLButtonElement} lasso @param {HTMLElement} hint */
export function listen(stage, lasso, hint) {
  const { box } = stage;
  /** @type {Map<number, [number, number]>} fingers or mouse that are down */
  const down = new Map();
  let way = 0;
  let drawing = false;

  const at = (event) => {
    const frame = box.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  };
  const moved = () => { stage.flight = null; stage.busy = true; stage.render(); };

  box.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    box.focus({ preventScroll: true });
    box.setPointerCapture(event.pointerId);
    down.set(event.pointerId, at(event));
    way = 0;
    drawing = down.size === 1 && (event.shiftKey || lasso.getAttribute("aria-pressed") === "true");
    stage.line = drawing ? [at(event)] : [];
  });

  box.addEventListener("pointermove", (event) => {
    const [x, y] = at(event);
    const before = down.get(event.pointerId);
    if (!before) return point(stage, x, y);
    way += Math.hypot(x - before[0], y - before[1]);
    if (drawing) {
      stage.line.push([x, y]);
      stage.render();
    } else if (down.size === 1) {
      stage.camera.pan(x - before[0], y - before[1]);
      moved();
    } else {
      pinch(stage, down, event.pointerId, [x, y]);
      moved();
    }
    down.set(event.pointerId, [x, y]);
  });

  const up = (event) => {
    if (!down.delete(event.pointerId)) return;
    if (drawing && way > TAP) finish(stage);
    else if (way <= TAP && event.type === "pointerup") point(stage, ...at(event));
    drawing = false;
    stage.line = [];
    stage.render();
  };
  box.addEventListener("pointerup", up);
  box.addEventListener("pointercancel", up);
  box.addEventListener("pointerleave", () => { if (!down.size) set({ image: -1 }); });

  box.addEventListener("wheel", (event) => {
    // The page scrolls over a map that nobody has touched.
    if (document.activeElement !== box && !event.ctrlKey) {
      hint.hidden = false;
      clearTimeout(hint.timer);
      hint.timer = setTimeout(() => { hint.hidden = true; }, 1500);
      return;
    }
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 20 : 1;
    stage.camera.zoom(Math.exp(-event.deltaY * lines * 0.0022), ...at(event));
    moved();
  }, { passive: false });

  box.addEventListener("dblclick", (event) => zoom(stage, 2.5, ...at(event)));
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const call = keys(stage, lasso)[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!call) return;
    event.preventDefault();
    call();
  });
}

/** @param {number} times */
export function zoom(stage, times, px, py) {
  const { x, y, scale } = stage.camera;
  stage.camera.zoom(times, px, py);
  const to = { x: stage.camera.x, y: stage.camera.y, scale: stage.camera.scale };
  Object.assign(stage.camera, { x, y, scale });
  stage.fly(to);
}

function keys(stage, lasso) {
  const pan = (dx, dy) => () => { stage.camera.pan(dx, dy); stage.busy = true; stage.render(); };
  return {
    ArrowLeft: pan(STEP, 0),
    ArrowRight: pan(-STEP, 0),
    ArrowUp: pan(0, STEP),
    ArrowDown: pan(0, -STEP),
    "+": () => zoom(stage, 1.6),
    "=": () => zoom(stage, 1.6),
    "-": () => zoom(stage, 1 / 1.6),
    0: () => stage.fly(stage.camera.home()),
    n: () => walk(stage, 1),
    p: () => walk(stage, -1),
    v: () => selectSeen(stage),
    l: () => lasso.click(),
    Escape: () => set({ selection: null, image: -1, group: -1 }),
  };
}

/** Go to the next image that is seen, from left to right and down. */
function walk(stage, step) {
  const seen = stage.drawn.length ? stage.drawn.map(([image]) => image) : nearMiddle(stage);
  if (!seen.length) return;
  const now = seen.indexOf(state.image);
  set({ image: seen[(now + step + seen.length) % seen.length] });
}

function nearMiddle(stage) {
  const image = stage.at(stage.camera.width / 2, stage.camera.height / 2);
  return image < 0 ? [] : [image];
}

function point(stage, x, y) {
  set({ image: stage.at(x, y) });
}

function pinch(stage, down, id, now) {
  const other = [...down].find(([key]) => key !== id)[1];
  const before = down.get(id);
  const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
  stage.camera.zoom(apart(now, other) / apart(before, other), ...other);
}

function finish(stage) {
  const places = stage.line.map(([x, y]) => stage.camera.toPlace(x, y));
  const { mask, count } = encircled(stage.grid, places);
  set({ selection: count ? { mask, count, what: "inside the line", line: places } : null });
}

function selectSeen(stage) {
  const [left, low, right, high] = stage.camera.seen;
  const places = [[left, low], [right, low], [right, high], [left, high]];
  const { mask, count } = encircled(stage.grid, places);
  set({ selection: count ? { mask, count, what: "in view", line: places } : null });
}
