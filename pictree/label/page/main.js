// The page: one group in view, one decision at a time; every decision is on the disk before it is said.

import { result, spotCheck } from "./check.js";
import { $, count, counted, h, percent, say } from "./dom.js";
import { showFigures } from "./figures.js";
import { Gallery } from "./gallery.js";
import { about, inOrder, nameOf, showGroups } from "./groups.js";
import { listen, showKeys } from "./keys.js";
import { Naming } from "./naming.js";
import { pickGroup } from "./pick.js";
import { pile } from "./pile.js";
import { Refused } from "./refused.js";
import { boxFor, paint } from "./tiles.js";

const LOOK_AGAIN = 4000;
const fine = matchMedia("(pointer: fine)").matches;
let state = null, current = null, members = null, busy = false;
const marked = new Set();
const gallery = new Gallery({ changed: showSelection, open: look });
const naming = new Naming(name);

const group = () => state.groups.find((g) => g.key === current);
const accepted = () => Math.max(1, Math.round((members.ids.length * Number($("nearest").value)) / 100));

function acceptedIds() {
  const wrong = new Set(members.wrong);
  return members.ids.slice(0, accepted()).filter((id) => !wrong.has(id));
}

// What would be named: the selection, else the accepted part; null stands for the whole group.
function target() {
  if (gallery.chosen.size) return [...gallery.chosen];
  const ids = acceptedIds();
  return ids.length === members.ids.length ? null : ids;
}

async function take(found, wanted) {
  state = found;
  for (const key of marked) if (!state.groups.some((g) => g.key === key)) marked.delete(key);
  const there = (key) => state.groups.some((g) => g.key === key);
  const key = [wanted, current].find((k) => k !== null && k !== undefined && there(k));
  await select(key ?? inOrder(state.groups).open[0]?.key ?? state.groups[0]?.key);
}

async function select(key, keep = false) {
  const isNew = key !== current;
  current = key;
  try {
    const found = await pile.members(key);
    if (key !== current) return;  // another group was chosen meanwhile
    members = found;
  } catch (error) {
    return said(error);
  }
  const g = group();
  if (isNew && !keep) naming.set(state.names, g.label);
  else naming.names = state.names;
  if (isNew) $("nearest").value = 100;
  fitSlider();
  gallery.show(members.ids, state.tile, members.wrong);
  show();
  if (isNew && fine && !document.querySelector("dialog[open]")) {
    naming.field.focus();
    naming.field.select();
  }
}

// A check is about some of the nearest: that is what the slider shows then.
function fitSlider() {
  if (members.of && members.of.length < members.ids.length) {
    $("nearest").value = Math.round((100 * members.of.length) / members.ids.length);
  }
}

function show() {
  const g = group();
  showFigures(state);
  showGroups(state, current, marked, choose);
  $("title").replaceChildren(h("bdi", {}, nameOf(g)));
  $("about").textContent = `${counted(g.size)} · ${about(g)}`;
  $("again").disabled = $("spread").disabled = !state.figures.left;
  $("leftovers").hidden = $("two").hidden = !pile.hasCodes;
  $("save").hidden = !pile.save;
  $("split").hidden = !state.tree;
  document.body.dataset.revision = state.revision;
  showPart();
  if (!state.figures.left) say(`Nothing is left: ${counted(state.figures.labelled)} labelled.`);
}

function showPart() {
  const n = accepted(), all = members.ids.length, checked = covers();
  gallery.accept(n);
  $("share").textContent = `${$("nearest").value} % · ${count(n)} of ${count(all)}`;
  $("checked").textContent = checked ? result(group().check.seen, group().check.wrong) : "";
  const ids = target(), size = ids === null ? all : ids.length;
  $("accept").textContent = `Name ${gallery.chosen.size ? `${count(size)} selected` : counted(size)}`;
}

// Whether the last check is about what is accepted now.
function covers() {
  if (!members.of || !group().check) return false;
  const now = new Set(members.ids.slice(0, accepted())), all = new Set(members.ids);
  const of = members.of.filter((id) => all.has(id));
  return of.length === now.size && of.every((id) => now.has(id));
}

function showSelection() {
  const n = gallery.chosen.size;
  $("chosen").hidden = n === 0;
  $("count").textContent = `${count(n)} selected`;
  if (members && state) showPart();
}

// Ask for a change; the page shows what the answer says, never what it hopes.
async function change(asked, words, wanted) {
  if (busy) return null;
  busy = true;
  document.body.classList.add("busy");
  const sent = [...gallery.chosen];
  try {
    const answer = await asked();
    for (const id of sent) gallery.chosen.delete(id);
    await take(answer.state, wanted?.(answer.state));
    if (words) say(typeof words === "function" ? words(answer) : words);
    return answer;
  } catch (error) {
    said(error);
    return null;
  } finally {
    busy = false;
    document.body.classList.remove("busy");
  }
}

function said(error) {
  if (!(error instanceof Refused)) throw error;
  say(error.message, "bad");
  if (error.state) {
    const typed = naming.field.value;
    take(error.state).then(() => { naming.field.value = typed; });
  }
}

const act = (kind, body, words, wanted) =>
  change(() => pile.act(state.revision, kind, body), words, wanted);

const nextOpen = (from) => (after) => {
  const open = inOrder(after.groups).open.filter((g) => g.key !== from);
  return open[0]?.key ?? from;
};

function name(text) {
  const ids = target(), g = group();
  const size = ids === null ? g.size : ids.length;
  const stay = gallery.chosen.size > 0 || g.label !== null;
  return act("label", { group: current, name: text, ids }, `${counted(size)} named “${text}”.`,
    stay ? undefined : nextOpen(current));
}

function junk() {
  const ids = gallery.chosen.size ? [...gallery.chosen] : target();
  const size = ids === null ? group().size : ids.length;
  return act("junk", { group: current, ids }, `${counted(size)} put aside.`,
    gallery.chosen.size ? undefined : nextOpen(current));
}

async function check() {
  const ids = target();
  let seen;
  try {
    seen = await pile.draw(state.revision, current, gallery.chosen.size ? ids : members.ids.slice(0, accepted()));
  } catch (error) {
    return said(error);
  }
  const of = gallery.chosen.size ? ids : members.ids.slice(0, accepted());
  const key = current;
  const wrong = await spotCheck(seen, state.tile, naming.field.value.trim());
  naming.field.focus();
  if (wrong === null) return;
  await act("check", { group: key, ids: of.length === members.ids.length ? null : of, seen, wrong },
    result(seen.length, wrong.length));
}

function apart(how) {
  return change(() => pile.apart(state.revision, current, how),
    (answer) => (how === "tree" && answer.how === "two" ? "The tree ends here: split in two by the codes." : "Split in two."),
    (after) => inOrder(after.groups).open.find((g) => !state.groups.some((old) => old.key === g.key))?.key);
}

async function merge() {
  let others = [...marked].filter((key) => key !== current);
  if (!others.length) {
    const { open, named, junk: aside } = inOrder(state.groups.filter((g) => g.key !== current));
    const picked = await pickGroup(`Merge “${nameOf(group())}” with`, [...open, ...named, ...aside], state.tile);
    if (picked === null) return;
    others = [picked];
  }
  marked.clear();
  await act("merge", { groups: [current, ...others] }, `${others.length + 1} groups are one.`);
}

async function move() {
  if (!gallery.chosen.size) return say("Select pictures to move first.");
  const { open, named, junk: aside } = inOrder(state.groups.filter((g) => g.key !== current));
  const to = await pickGroup(`Move ${counted(gallery.chosen.size)} to`, [...named, ...open, ...aside], state.tile);
  if (to === null) return;
  await act("move", { ids: [...gallery.chosen], to }, `${counted(gallery.chosen.size)} moved.`);
}

function takeOut() {
  if (!gallery.chosen.size) return say("Select pictures to take out first.");
  if (gallery.chosen.size === members.ids.length) return say("That is the whole group.");
  return act("split", { group: current, parts: [[...gallery.chosen]], how: "chosen" },
    `${counted(gallery.chosen.size)} taken out.`);
}

function large(id) {
  const address = pile.large(id);
  if (address) return h("img", { src: address, alt: "the picture, large" });
  const thumbnail = h("div", { class: "large" });
  paint(thumbnail, [id], 0, boxFor(state.tile, 320));
  return thumbnail;
}

async function look(id) {
  const dialog = $("look");
  const path = h("bdi", { id: "look-title", class: "path" }, "…");
  const picture = large(id);
  dialog.replaceChildren(picture, path,
    h("div", { class: "ends" }, h("button", { type: "button", class: "main", onclick: () => dialog.close() }, "Close")));
  dialog.showModal();
  try {
    path.textContent = (await pile.about(id)).path;
  } catch (error) {
    said(error);
  }
}

function choose(key, event) {
  if (event.ctrlKey || event.metaKey) {
    if (!marked.delete(key)) marked.add(key);
    return show();
  }
  marked.clear();
  return select(key).then(() => { if (key === current) naming.set(state.names, group().label); });
}

function step(by) {
  const { open, named, junk: aside } = inOrder(state.groups);
  const list = open.length ? open : [...named, ...aside];
  const at = list.findIndex((g) => g.key === current);
  return select(list[(at + by + list.length) % list.length].key);
}

function slide(by) {
  $("nearest").value = Number($("nearest").value) + by;
  showPart();
}

// Held keys undo one action after the other; anything else waits for the person to see the answer.
let row = Promise.resolve();
const inRow = (action) => (row = row.then(action));
const undo = () => inRow(() => act("undo", {}, "Undone.", newly));
const redo = () => inRow(() => act("redo", {}, "Done again.", newly));

// After an undo, look at what came back: the largest group that differs.
function newly(after) {
  const look = (g) => JSON.stringify([g.size, g.label, g.junk]);
  const before = new Map(state.groups.map((g) => [g.key, look(g)]));
  const differ = after.groups.filter((g) => before.get(g.key) !== look(g));
  return differ.sort((a, b) => b.size - a.size)[0]?.key;
}

function escape() {
  if (document.activeElement === naming.field) $("gallery").focus({ preventScroll: true });
  else if (gallery.chosen.size) gallery.clear();
  else if (marked.size) { marked.clear(); show(); }
}

const again = () => (say("Clustering what is left…"),
  change(() => pile.again(state.revision), (answer) => `What was left is now ${answer.groups} groups.`,
    (after) => inOrder(after.groups).open[0]?.key));

const spread = () => (say("Looking at near neighbours…"),
  change(() => pile.spread(state.revision), (answer) =>
    `${counted(answer.images)} named by near neighbours; ${percent(answer.precision)} right on ${count(answer.held_out)} held-out ones, with as many strangers among them. Check them.`));

const openActive = () => look(members.ids[gallery.active]);
const accept100 = () => gallery.choose(gallery.placesBetween(0, accepted() - 1));
const back = () => act("label", { group: current, name: null }, "The name is taken back.");

function wire() {
  const clicks = {
    undo, redo, save: () => pile.save(), check, junk, merge, move, again, spread, help: showKeys, next: () => step(1),
    split: () => apart("tree"), two: () => apart("two"), take: takeOut, throw: junk, open: openActive,
    clear: () => gallery.clear(), smaller: () => gallery.resize(-1), larger: () => gallery.resize(1),
  };
  for (const [id, action] of Object.entries(clicks)) $(id).addEventListener("click", () => action());
  $("nearest").addEventListener("input", showPart);
  listen({
    U: undo, R: redo, C: check, X: junk, M: merge, V: move, A: () => pile.hasCodes && again(), P: () => pile.hasCodes && spread(), K: takeOut, B: back,
    J: () => step(1), G: () => step(-1), S: () => apart("tree"), T: () => pile.hasCodes && apart("two"),
    O: openActive, L: accept100, "[": () => slide(-5), "]": () => slide(5),
    "+": () => gallery.resize(1), "=": () => gallery.resize(1), "-": () => gallery.resize(-1),
    "?": showKeys, Escape: escape, Enter: () => naming.field.focus(),
  });
}

// Another tab may have done something: show it.
async function lookAgain() {
  if (busy || document.hidden || document.querySelector("dialog[open]")) return;
  try {
    const found = await pile.state(state.revision);
    if (!found || busy) return;
    const typed = naming.field.value, was = current;
    await take(found);
    if (current === was) naming.field.value = typed;
    say("Another tab has changed something; this is how it is now.");
  } catch (error) {
    said(error);
  }
}

async function start() {
  if (location.search) history.replaceState(null, "", location.pathname);
  wire();
  try {
    await take(await pile.state());
  } catch (error) {
    return said(error);
  }
  if (pile.hasCodes) {
    setInterval(lookAgain, LOOK_AGAIN);
    document.addEventListener("visibilitychange", lookAgain);
  }
  document.body.classList.add("ready");
}

start();
