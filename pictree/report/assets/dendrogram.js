// The drawing of the tree follows the cut: colours of its branches, names at its tips.
import { emphasise } from "./legend.js";
import { state } from "./state.js";
import { counted, draw } from "./words.js";

const NAMED = 4;

export class Dendrogram {
  /** @param {SVGElement} svg @param {import("./tree.js").Tree} tree */
  constructor(svg, tree) {
    Object.assign(this, { svg, tree });
    this.branches = [...svg.querySelectorAll("[data-node]")].map((g) => ({
      g,
      node: Number(g.dataset.node),
      y: Number(g.dataset.y),
      isTip: "tip" in g.dataset,
      path: g.querySelector("path"),
    }));
    this.tags = svg.querySelector(".tags");
    this.leafUnder = this.branches.map(({ node }) => this.#leaf(node));
    this.branches.forEach((branch, i) => emphasise(branch.g, () => {
      return state.colour === "cluster" ? this.#cluster(i, this.now) : -1;
    }));
  }

  #leaf(node) {
    let at = node;
    while (at >= this.tree.leaves) at = this.tree.children[at - this.tree.leaves][0];
    return at;
  }

  /** The cluster that branch `i` is, or is a part of; -1 above the cut. */
  #cluster(i, { tops, number }) {
    const top = tops[this.leafUnder[i]];
    // On the way from a leaf to the root numbers grow.
    return top >= this.branches[i].node ? number.get(top) : -1;
  }

  /** @param {number} k @param {import("./groups.js").Groups} groups @param {string} anchor */
  show(k, groups, anchor) {
    const number = new Map(this.tree.nodes(k).map((node, cluster) => [node, cluster]));
    this.now = { tops: this.tree.tops(k), number };
    /** @type {Map<string, {clusters: number[], ys: number[], size: number}>} */
    const held = new Map();
    this.branches.forEach((branch, i) => {
      const cluster = this.#cluster(i, this.now);
      if (cluster < 0) branch.path.removeAttribute("stroke");
      else branch.path.setAttribute("stroke", groups.colours[cluster]);
      branch.path.classList.toggle("above", cluster < 0);
      branch.g.dataset.cluster = `${cluster}`;
      if (!branch.isTip) return;
      const key = cluster < 0 ? `tip ${branch.node}` : `${cluster}`;
      const tag = held.get(key) ?? { clusters: cluster < 0 ? this.#inside(branch.node) : [cluster], ys: [], size: 0 };
      tag.ys.push(branch.y);
      tag.size += this.tree.sizes[branch.node];
      held.set(key, tag);
    });
    this.tags.replaceChildren(...[...held.values()].flatMap((tag) => this.#tag(tag, groups, anchor)));
  }

  /** Clusters below a tip. @param {number} node */
  #inside(node) {
    const { tops, number } = this.now;
    const found = new Set();
    const waiting = [node];
    while (waiting.length) {
      const at = waiting.pop();
      if (at < this.tree.leaves) found.add(number.get(tops[at]));
      else waiting.push(...this.tree.children[at - this.tree.leaves]);
    }
    return [...found].sort((a, b) => a - b);
  }

  #tag({ clusters, ys, size }, groups, anchor) {
    const x = Number(this.svg.dataset.x);
    const half = Number(this.svg.dataset.half);
    const [upper, lower] = [Math.min(...ys) - half, Math.max(...ys) + half];
    const middle = (upper + lower) / 2;
    const isOne = clusters.length === 1;
    const bar = draw("rect", { x, y: upper, width: 6, height: lower - upper, rx: 3 });
    if (isOne) bar.setAttribute("fill", groups.colours[clusters[0]]);
    else bar.setAttribute("class", "above");
    const below = isOne ? (ys.length > 1 ? counted(size, "image") : "") : "";
    const name = draw("text", { class: "name", x: x + 14, y: middle + (isOne && !below ? 5 : -3) });
    const second = draw("text", { x: x + 14, y: middle + 13 });
    const link = (cluster, words) => draw("a", { href: `#${anchor}-${cluster}` }, words);
    if (isOne) {
      name.textContent = `Cluster ${clusters[0]}`;
      second.textContent = below;
      return [bar, link(clusters[0], name), ...(below ? [second] : [])];
    }
    name.textContent = `${clusters.length} clusters`;
    clusters.slice(0, NAMED).forEach((cluster, i) => second.append(i ? ", " : "", link(cluster, `${cluster}`)));
    if (clusters.length > NAMED) second.append(" …");
    return [bar, name, second];
  }
}
