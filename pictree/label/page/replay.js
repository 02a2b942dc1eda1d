// Actions on a state, as pictree.label.actions has them, for the page without a server.

import { Refused } from "./refused.js";

const PARTS = 2 ** 20;

export function applied(state, kind, body, number) {
  return DO[kind](state, body, number);
}

export const membersOf = (state, key) => state.ids.filter((_, i) => state.group[i] === key);

const DO = {
  label: (state, body, number) => mark(state, body, number, { label: body.name, by: "person", junk: false }),
  junk: (state, body, number) => mark(state, body, number, { label: null, by: "person", junk: true }),
  split(state, body, number) {
    const { title, expected } = state.groups.get(body.group);
    return carve(state, body.parts, body.parts.map((_, i) => fresh(`${title}.${i + 1}`, expected)), number);
  },
  merge(state, body) {
    const gone = new Set(body.groups);
    return settled(state, state.group.map((key) => (gone.has(key) ? body.groups[0] : key)), state.groups);
  },
  move(state, body) {
    const group = state.group.slice();
    for (const id of body.ids) group[state.at.get(id)] = body.to;
    return settled(state, group, state.groups);
  },
  check(state, body) {
    const of = [...(body.ids ?? membersOf(state, body.group))].sort((a, b) => a - b);
    return changed(state, body.group, { check: { of, seen: body.seen.length, wrong: body.wrong } });
  },
};

const fresh = (title, expected) => ({ title, label: null, by: "person", junk: false, check: null, expected });

function changed(state, key, marks) {
  const groups = new Map(state.groups);
  groups.set(key, { ...groups.get(key), ...marks });
  return { ...state, groups };
}

function mark(state, body, number, marks) {
  const all = membersOf(state, body.group), old = state.groups.get(body.group);
  if (body.ids === undefined || body.ids === null || body.ids.length === all.length) {
    return changed(state, body.group, marks);
  }
  const check = old.check && describes(old.check, body.ids) ? old.check : null;
  return carve(state, [body.ids], [{ ...fresh(`${old.title}.1`, old.expected), check, ...marks }], number);
}

function carve(state, parts, made, number) {
  const group = state.group.slice(), groups = new Map(state.groups);
  parts.forEach((ids, i) => {
    for (const id of ids) group[state.at.get(id)] = number * PARTS + i;
    groups.set(number * PARTS + i, made[i]);
  });
  return settled(state, group, groups);
}

function settled(state, group, groups) {
  const there = new Set(group), touched = new Set(), kept = new Map();
  group.forEach((key, i) => {
    if (key !== state.group[i]) touched.add(key).add(state.group[i]);
  });
  const next = { ...state, group, groups: kept };
  for (const [key, value] of groups) {
    if (!there.has(key)) continue;
    const stale = touched.has(key) && value.check && !describes(value.check, membersOf(next, key));
    kept.set(key, stale ? { ...value, check: null } : value);
  }
  return next;
}

function describes(check, ids) {
  const now = new Set(ids), wrong = new Set(check.wrong);
  const right = check.of.filter((id) => !wrong.has(id));
  return [check.of, right].some((of) => of.length === now.size && of.every((id) => now.has(id)));
}

// The two parts of a group at the lowest node of the tree that holds all of it; null at a leaf.
export function downTheTree(state, tree, key) {
  const ids = membersOf(state, key), first = tree.children.length + 1;
  const leafOf = (id) => tree.leaves[state.at.get(id)];
  const leaves = [...new Set(ids.map(leafOf))].filter((leaf) => leaf >= 0);
  if (leaves.length < 2) throw new Refused("The tree ends here. Select the pictures and take them out.");
  const below = new Map();
  const leavesBelow = (node) => {
    if (node < first) return [node];
    if (!below.has(node)) below.set(node, tree.children[node - first].flatMap(leavesBelow));
    return below.get(node);
  };
  let node = first + tree.children.length - 1;
  for (;;) {
    const [left, right] = tree.children[node - first];
    const inLeft = new Set(leavesBelow(left)), here = leaves.filter((leaf) => inLeft.has(leaf)).length;
    if (here === 0) node = right;
    else if (here === leaves.length) node = left;
    else {
      const parts = [ids.filter((id) => inLeft.has(leafOf(id))), ids.filter((id) => !inLeft.has(leafOf(id)))];
      return parts.sort((a, b) => b.length - a.length);
    }
  }
}
