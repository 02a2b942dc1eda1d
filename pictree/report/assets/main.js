// Everything put together, once the data are unpacked.
import { Atlas } from "./atlas.js";
import { cards, leafCounts, showOnMap } from "./cards.js";
import { cutter, figures } from "./cut.js";
import { json, numbers } from "./data.js";
import { Dendrogram } from "./dendrogram.js";
import { imageFacts } from "./facts.js";
import { Colouring } from "./groups.js";
import { legend } from "./legend.js";
import { Paths } from "./paths.js";
import { listen, zoom } from "./pointer.js";
import { tables } from "./save.js";
import { search } from "./search.js";
import { buttons, selection } from "./selection.js";
import { Stage } from "./stage.js";
import { on, set, state } from "./state.js";
import { Tree } from "./tree.js";
import { make } from "./words.js";

const PAUSE = 120; // milliseconds after which the cards follow the slider

const byId = (id) => document.getElementById(id);

async function unpacked() {
  const facts = await json("facts");
  const names = ["cluster", "outcome", "copies", "leaf", "known", "confidence", "tile", "ids"];
  const arrays = Object.fromEntries(await Promise.all(names.map(async (n) => [n, await numbers(n)])));
  const maps = await Promise.all(facts.maps.map(({ method }) => numbers(`map-${method}`)));
  const ids = arrays.ids;
  for (let i = 1; i < ids.length; i++) ids[i] += ids[i - 1];
  const tree = facts.tree ? new Tree(facts.tree) : null;
  state.k = tree ? tree.own : facts.clusters;
  const page = { facts, arrays, maps, ids, tree, paths: new Paths(), atlas: new Atlas(facts.atlas, arrays.tile) };
  page.colouring = new Colouring(facts, arrays, tree);
  page.counts = tree ? leafCounts(page) : null;
  page.colourBy = (colour) => {
    if (byId("colour")) byId("colour").value = colour;
    set({ colour });
  };
  return page;
}

/** @param {any} page */
function map(page) {
  const { colouring, facts } = page;
  byId("live-map").hidden = false;
  document.querySelectorAll(".map").forEach((still) => still.classList.add("away"));
  const stage = new Stage(byId("stage"), page.maps, page.atlas);
  page.stage = stage;
  const groups = () => colouring.groups(state.colour, state.k);
  byId("map-choice").append(...facts.maps.map(({ name }, number) => {
    const button = make("button", { type: "button", "aria-pressed": `${number === 0}` }, name);
    button.addEventListener("click", () => set({ map: number }));
    return button;
  }));
  byId("colour").append(...colouring.choices.map(([key, words]) => make("option", { value: key }, words)));
  byId("colour").addEventListener("change", () => set({ colour: byId("colour").value }));
  lassoButton(stage);
  for (const button of byId("zoom").querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => zoom(stage, Number(button.dataset.zoom)));
  }
  byId("whole").addEventListener("click", () => stage.fly(stage.camera.home()));
  listen(stage, byId("lasso"), byId("hint"));
  search(byId("search"), page);
  buttons(byId("selection"), page);

  const paint = () => stage.paint(groups());
  on(["colour", "k", "selection", "group"], paint);
  on(["colour", "k"], () => legend(byId("legend"), groups()));
  on(["selection", "k"], () => selection(byId("selection"), page));
  on(["image"], () => { stage.render(); imageFacts(byId("image"), page); });
  on(["map"], () => {
    [...byId("map-choice").children].forEach((b, i) => b.setAttribute("aria-pressed", `${i === state.map}`));
    document.querySelectorAll("[data-about]").forEach((p, i) => { p.hidden = i !== state.map; });
    set({ image: -1 });
    stage.show(state.map);
    paint();
  });
  document.querySelectorAll("[data-about]").forEach((p, i) => { p.hidden = i !== 0; });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  paint();
  legend(byId("legend"), groups());
}

function lassoButton(stage) {
  const lasso = byId("lasso");
  lasso.addEventListener("click", () => {
    const isOn = lasso.getAttribute("aria-pressed") !== "true";
    lasso.setAttribute("aria-pressed", `${isOn}`);
    stage.box.classList.toggle("drawing", isOn);
  });
}

/** @param {any} page */
function cuts(page) {
  const { tree, colouring } = page;
  cutter(byId("cut"), page);
  const svg = document.querySelector("svg.tree");
  const drawing = svg ? new Dendrogram(svg, tree) : null;
  let waiting;
  const follow = () => {
    const isOwn = state.k === tree.own;
    figures(byId("cut"), page);
    drawing?.show(state.k, colouring.groups("cluster", state.k), isOwn ? "cluster" : "part");
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      byId("own-cut").hidden = !isOwn;
      byId("other-cut").hidden = isOwn;
      byId("cut-note").hidden = isOwn;
      if (isOwn) return;
      cards(byId("other-cut"), page, state.k);
      if (page.maps.length) showOnMap(byId("other-cut"), page, () => state.k);
    }, PAUSE);
  };
  on(["k"], follow);
  follow();
}

async function start() {
  tables();
  const page = await unpacked();
  if (page.maps.length) map(page);
  if (page.tree && page.tree.most > 2) cuts(page);
  if (page.maps.length) showOnMap(byId("own-cut"), page, () => state.k);
  // For the browser's console, and the tests.
  globalThis.pictree = { ...page, state, set };
  document.documentElement.dataset.ready = "yes";
}

start();
