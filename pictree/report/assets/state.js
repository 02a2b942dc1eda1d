// What the page shows now. Parts listen to what concerns them; nobody else changes the page.

/**
 * @property {number} map       which map
 * @property {number} k         clusters of the cut
 * @property {string} colour    what the map is coloured by
 * @property {number} image     the image pointed at, -1 for none
 * @property {number} group     the group that is emphasised, -1 for none
 * @property {Selection|null} selection   images picked by lasso, view or search
 */
export const state = { map: 0, k: 0, colour: "cluster", image: -1, group: -1, selection: null };

/** @typedef {{mask: Uint8Array, count: number, what: string}} Selection */

/** @type {Map<string, Array<() => void>>} */
const listeners = new Map();

/** @param {string[]} keys @param {() => void} call */
export function on(keys, call) {
  for (const key of keys) listeners.set(key, [...(listeners.get(key) ?? []), call]);
}

/** Change the state; whoever listens is called once. @param {Partial<typeof state>} changes */
export function set(changes) {
  const calls = new Set();
  for (const [key, value] of Object.entries(changes)) {
    if (state[key] === value) continue;
    state[key] = value;
    for (const call of listeners.get(key) ?? []) calls.add(call);
  }
  for (const call of calls) call();
}

/** Call at most once a frame. @param {() => void} call */
export function soon(call) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; call(); });
  };
}
