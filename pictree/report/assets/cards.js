// Cards of the clusters of another cut than the run's own.
import { emphasise, select } from "./legend.js";
import { counted, draw, inWords, make, percent } from "./words.js";

const KINDS = ["Nearest to the centre", "Typical", "At the border to the part it was cut from"];
const FACE = 112;
const SIDE = 56;

/** Known labels in each leaf. @param {any} page @returns {Uint32Array|null} */
export function leafCounts({ arrays, facts, tree }) {
  const { known, leaf } = arrays;
  if (!known) return null;
  const counts = new Uint32Array(tree.leaves * facts.known.length);
  leaf.forEach((own, image) => {
    if (known[image] < facts.known.length) counts[own * facts.known.length + known[image]]++;
  });
  return counts;
}

/** @param {HTMLElement} list @param {any} page @param {number} k */
export function cards(list, page, k) {
  const { tree, colouring } = page;
  const groups = colouring.groups("cluster", k);
  const nodes = tree.nodes(k);
  const order = nodes.map((_, cluster) => cluster).sort((a, b) => groups.sizes[b] - groups.sizes[a]);
  const ofLeaf = tree.clusterOfLeaf(k);
  const made = order.map((cluster) => card(page, { cluster, nodes, groups, ofLeaf }));
  list.replaceChildren(...made.map(({ article }) => article));
  fill(made, page.atlas);
}

function card(page, { cluster, nodes, groups, ofLeaf }) {
  const { facts } = page;
  const place = facts.tree.nodes.indexOf(nodes[cluster]);
  const pictures = facts.tree.pictures[place];
  const size = groups.sizes[cluster];
  const title = make("h3", {}, `Cluster ${cluster} `);
  title.append(make("small", {}, `${counted(size, "image")}, ${percent(size, facts.images)}`));
  const face = make("canvas", { role: "img", "aria-label": "The image nearest to the centre" });
  const figure = make("figure", {}, face, make("figcaption", {}, "nearest to the centre"));
  const body = make("div", { class: "body" }, ...holding(page, cluster, ofLeaf, size));
  const strips = [];
  pictures.forEach((images, kind) => {
    if (!images.length) return;
    const canvas = make("canvas", { role: "img", "aria-label": `${counted(images.length, "image")}: ${KINDS[kind].toLowerCase()}` });
    body.append(make("h4", {}, KINDS[kind]), canvas);
    strips.push([canvas, images, SIDE]);
  });
  body.append(note(page, nodes, place));
  const show = make("button", { type: "button", class: "plain", "data-cluster": cluster, hidden: "" }, "Show on the map");
  body.append(make("p", {}, show));
  const article = make("article", { class: "card", id: `part-${cluster}` }, title, make("div", { class: "faces" }, figure), body);
  article.style.setProperty("--own", groups.colours[cluster]);
  return { article, strips: [[face, pictures[0].slice(0, 1), FACE], ...strips] };
}

function holding({ counts, facts }, cluster, ofLeaf, size) {
  if (!counts) return [];
  const wide = facts.known.length;
  const sums = new Array(wide).fill(0);
  ofLeaf.forEach((own, leaf) => {
    if (own === cluster) for (let label = 0; label < wide; label++) sums[label] += counts[leaf * wide + label];
  });
  const held = sums.map((n, label) => [facts.known[label], n, label]).filter(([, n]) => n);
  held.sort((a, b) => b[1] - a[1] || a[2] - b[2]);
  const words = inWords(held, size);
  return [bar(held, facts, size, words), make("p", { class: "holds" }, make("bdi", {}, words))];
}

function bar(held, facts, size, words) {
  const svg = draw("svg", { class: "bar", viewBox: "0 0 100 4", preserveAspectRatio: "none", role: "img", "aria-label": words });
  let start = 0;
  for (const [, n, label] of held.slice(0, 8)) {
    const width = (100 * n) / size;
    const fill = facts.palette[label % facts.palette.length];
    svg.append(draw("rect", { x: start.toFixed(2), y: 0, width: width.toFixed(2), height: 4, fill }));
    start += width;
  }
  if (start < 99.99) svg.append(draw("rect", { x: start.toFixed(2), y: 0, width: (100 - start).toFixed(2), height: 4, fill: facts.grey }));
  return svg;
}

function note({ facts }, nodes, place) {
  const others = nodes.map((node) => facts.tree.nodes.indexOf(node));
  const apart = others.map((other) => (other === place ? Infinity : facts.tree.between[place][other]));
  const nearest = apart.indexOf(Math.min(...apart));
  const said = make("p", { class: "note" }, "The nearest other cluster is ");
  said.append(make("a", { href: `#part-${nearest}` }, `cluster ${nearest}`), ".");
  return said;
}

/** Draw the pictures, a card after the other, those in view first. */
async function fill(made, atlas) {
  for (const { strips } of made) {
    for (const [canvas, images, side] of strips) {
      const columns = side === FACE ? 1 : 8;
      await atlas.strip(canvas, images, side, columns);
    }
  }
}

/** Make a card's button show its cluster on the map. @param {HTMLElement} place @param {any} page */
export function showOnMap(place, page, k) {
  for (const button of place.querySelectorAll("button[data-cluster]")) {
    button.hidden = false;
    const cluster = Number(button.dataset.cluster);
    emphasise(button, () => cluster);
    button.addEventListener("click", () => {
      page.colourBy("cluster");
      select(page.colouring.groups("cluster", k()), cluster, `Cluster ${cluster}`);
      document.getElementById("maps").scrollIntoView();
    });
  }
}
