// The pile of a page without a server: all of it is in this file, and what was done is saved as a file.

import { say } from "./dom.js";
import { purityInterval } from "./purity.js";
import { Refused } from "./refused.js";
import { applied, downTheTree, membersOf } from "./replay.js";

const data = JSON.parse(document.getElementById("pile").textContent);
const STORED = `pictree-labels-${data.run}-${data.revision}`;
const PAUSE = 120;
const at = new Map(data.ids.map((id, i) => [id, i]));
const start = {
  ids: data.ids,
  at,
  group: data.group,
  groups: new Map(data.groups.map(({ key, ...rest }) => [key, rest])),
};
let rows = recall(), saved = rows.length;
let { state, standing, undone } = replay(rows);

// What was done before this page was loaded again, where the browser keeps it.
function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORED)) ?? [];
    replay(kept);
    return kept;
  } catch {
    return [];
  }
}

function replay(all) {
  let standing = [], undone = [];
  for (const row of all) {
    if (row.kind === "undo") undone.push(standing.pop());
    else if (row.kind === "redo") standing.push(undone.pop());
    else { standing.push(row); undone = []; }
  }
  const state = standing.reduce((now, row) => applied(now, row.kind, row.body, row.number), start);
  return { state, standing, undone };
}

function push(kind, body) {
  if (kind === "undo" && !standing.length) throw new Refused("There is nothing to undo.");
  if (kind === "redo" && !undone.length) throw new Refused("There is nothing to redo.");
  const row = { number: data.revision + rows.length + 1, time: Date.now() / 1000, kind, body };
  if (kind === "undo" || kind === "redo") ({ state, standing, undone } = replay([...rows, row]));
  else {
    state = applied(state, kind, body, row.number);
    standing.push(row);
    undone = [];
  }
  rows = [...rows, row];
  try {
    localStorage.setItem(STORED, JSON.stringify(rows));
  } catch { /* the file that is saved is what counts */ }
  return { state: view() };
}

function view() {
  const sizes = new Map();
  const first = new Map();
  for (const i of data.order) {
    const key = state.group[i];
    sizes.set(key, (sizes.get(key) ?? 0) + 1);
    if (!first.has(key)) first.set(key, data.ids[i]);
  }
  const groups = [...state.groups].map(([key, g]) => ({
    key, title: g.title, label: g.label, by: g.by, junk: g.junk, size: sizes.get(key),
    check: g.check && figuresOf(g.check), expected: expected(g), faces: [first.get(key)],
  }));
  return {
    revision: data.revision + rows.length, name: data.name, tree: data.tree !== null, tile: data.tile,
    groups, names: names(groups), figures: figures(groups),
    undo: standing.at(-1)?.kind ?? null, redo: undone.at(-1)?.kind ?? null,
  };
}

function figuresOf(check) {
  const [low, high] = purityInterval(check.seen, check.wrong.length);
  return { seen: check.seen, wrong: check.wrong.length, of: check.of.length, low, high };
}

const expected = (g) => (g.check ? (g.check.seen - g.check.wrong.length + 1) / (g.check.seen + 2) : g.expected);

function names(groups) {
  const counts = new Map();
  for (const g of groups) if (g.label !== null) counts.set(g.label, (counts.get(g.label) ?? 0) + g.size);
  return [...counts].sort((a, b) => b[1] - a[1]);
}

function figures(groups) {
  const sum = (some) => some.reduce((total, g) => total + g.size, 0);
  const named = groups.filter((g) => g.label !== null), labelled = sum(named);
  const decided = standing.filter((row) => row.kind !== "check").length;
  let seconds = 0;
  standing.slice(1).forEach((row, i) => { seconds += Math.min(Math.max(row.time - standing[i].time, 0), PAUSE); });
  return {
    images: data.ids.length, labelled, spread: sum(named.filter((g) => g.by === "spread")),
    junk: sum(groups.filter((g) => g.junk)),
    left: sum(groups.filter((g) => g.label === null && !g.junk)),
    decisions: data.decisions + decided, checks: data.checks + standing.length - decided,
    rate: seconds >= 1 ? (60 * (labelled - data.labelled)) / seconds : null, error: error(named, labelled),
  };
}

// As pictree.label.purity.label_error, with the counts rounded to whole ones.
function error(named, labelled) {
  const checked = named.filter((g) => g.check), total = checked.reduce((sum, g) => sum + g.size, 0);
  if (!total) return null;
  const value = checked.reduce((sum, g) => sum + (g.size / total) * (g.check.wrong / g.check.seen), 0);
  const seen = Math.floor(1 / checked.reduce((sum, g) => sum + (g.size / total) ** 2 / g.check.seen, 0) + 1e-9);
  const [low, high] = purityInterval(seen, Math.round(seen * value));
  return { value, low: Math.min(1 - high, value), high: Math.max(1 - low, value), covered: total / labelled };
}

function drawn(ids, n) {
  const rest = [...ids], random = new Uint32Array(1), found = [];
  while (found.length < n && rest.length) {
    crypto.getRandomValues(random);
    found.push(...rest.splice(random[0] % rest.length, 1));
  }
  return found;
}

function save() {
  const kept = rows.map(({ time, kind, body }) => ({ time, kind, body }));
  const text = JSON.stringify({ format: 1, run: data.run, revision: data.revision, rows: kept }, null, 1);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "labels.json";
  link.click();
  URL.revokeObjectURL(link.href);
  saved = rows.length;
  say(`Saved. Then: pictree labels apply ${data.name} labels.json`);
}

addEventListener("beforeunload", (event) => { if (saved !== rows.length) event.preventDefault(); });

// Short addresses for the sheets: a style with a whole sheet in it costs a second for a gallery.
const addresses = [];
function address(number) {
  if (!addresses[number]) {
    const bytes = Uint8Array.from(atob(data.sheets.files[number]), (letter) => letter.charCodeAt(0));
    addresses[number] = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
  }
  return addresses[number];
}

const rank = new Map(data.order.map((i, place) => [data.ids[i], place]));

export const pile = {
  hasCodes: false,
  save,
  state: async () => view(),
  async members(key) {
    const check = state.groups.get(key).check;
    const ids = membersOf(state, key).sort((a, b) => rank.get(a) - rank.get(b));
    return { key, ids, of: check?.of ?? null, wrong: check?.wrong ?? [] };
  },
  act: async (revision, kind, body) => push(kind, body),
  async apart(revision, group) {
    return { ...push("split", { group, how: "tree", parts: downTheTree(state, data.tree, group) }), how: "tree" };
  },
  draw: async (revision, group, ids) => drawn(ids ?? membersOf(state, group), 20),
  about: async (id) => ({ path: data.paths[at.get(id)] }),
  large: () => null,
  thumbnail(ids, place) {
    const row = at.get(ids[place]), { columns, each, files } = data.sheets;
    const number = Math.floor(row / each), inside = row % each;
    const rows = Math.ceil(Math.min(each, data.ids.length - number * each) / columns);
    return { url: address(number), column: inside % columns, row: Math.floor(inside / columns), columns, rows };
  },
};
