// What the map is coloured by: a group for each image, and name and colour of each group.
import { none } from "./data.js";

/** @typedef {{title: string, of: Uint16Array, names: string[], colours: string[], sizes: number[], rest: string}} Groups */

export const NONE = 65535;

/** From dark to light for everybody (cividis, Nuñez et al. 2018): low to high. */
const RAMP = ["#00224e", "#2a3f6d", "#575d6d", "#7c7b78", "#a59c74", "#d2c060", "#fee838"];

/** @param {import("./data.js").Numbers} values @param {(v: number) => number} group */
function grouped(values, group) {
  const empty = none(values);
  return Uint16Array.from(values, (v) => (v === empty ? NONE : group(v)));
}

/** @param {Uint16Array} of @param {number} count */
function sizesOf(of, count) {
  const sizes = new Array(count + 1).fill(0);
  for (const group of of) sizes[group === NONE ? count : group]++;
  return sizes;
}

export class Colouring {
  /** @param {any} facts @param {Record<string, import("./data.js").Numbers|null>} arrays
   *  @param {import("./tree.js").Tree|null} tree */
  constructor(facts, arrays, tree) {
    Object.assign(this, { facts, arrays, tree });
    this.own = grouped(arrays.cluster, (v) => v);
    /** @type {Map<string, Groups>} */
    this.made = new Map();
  }

  /** What there is to choose from: key and words. @returns {Array<[string, string]>} */
  get choices() {
    const { known, confidence } = this.arrays;
    return [
      ["cluster", "Cluster"],
      ...(known ? [["known", "Known label"]] : []),
      ...(confidence ? [["confidence", "Confidence"]] : []),
      ["outcome", "Outcome"],
    ];
  }

  /** @param {string} what @param {number} k @returns {Groups} */
  groups(what, k) {
    const key = what === "cluster" ? `${what} ${k}` : what;
    if (!this.made.has(key)) {
      if (what === "cluster") this.#forget();
      this.made.set(key, this.#complete(this[`_${what}`](k)));
    }
    return this.made.get(key);
  }

  /** Of the other cuts one is kept: a million images have large ones. */
  #forget() {
    const cuts = [...this.made.keys()].filter((key) => key.startsWith("cluster"));
    for (const key of cuts.slice(0, -1)) this.made.delete(key);
  }

  #complete(groups) {
    return { ...groups, sizes: sizesOf(groups.of, groups.names.length) };
  }

  #palette(i) {
    return this.facts.palette[i % this.facts.palette.length];
  }

  _cluster(k) {
    const names = Array.from({ length: k }, (_, cluster) => `${cluster}`);
    const { tree } = this;
    if (!tree) {
      return { title: "Cluster", of: this.own, names, rest: "noise", colours: names.map((_, i) => this.#palette(i)) };
    }
    const colours = tree.nodes(k).map((node) => this.#palette(tree.colour[node]));
    let of = this.own;
    if (k !== tree.own) {
      const cluster = tree.clusterOfLeaf(k);
      of = Uint16Array.from(this.arrays.leaf, (leaf) => cluster[leaf]);
    }
    return { title: "Cluster", of, names, colours, rest: "noise" };
  }

  _known() {
    const names = this.facts.known;
    return {
      title: "Known label",
      of: grouped(this.arrays.known, (v) => v),
      names,
      colours: names.map((_, i) => this.#palette(i)),
      rest: "no known label",
    };
  }

  _confidence() {
    const bounds = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
    const names = ["below 0.5", "0.5 to 0.6", "0.6 to 0.7", "0.7 to 0.8", "0.8 to 0.9", "0.9 to 0.95", "0.95 to 1"];
    const group = (v) => bounds.filter((bound) => v / 200 >= bound - 1e-9).length;
    return {
      title: "Confidence",
      of: grouped(this.arrays.confidence, group),
      names,
      colours: [...RAMP].reverse(),
      rest: "not known",
    };
  }

  _outcome() {
    const { copies, outcome } = this.arrays;
    const names = [...this.facts.outcomes, "has duplicates"];
    const of = Uint16Array.from(outcome, (v, i) => (copies[i] ? names.length - 1 : v));
    const colours = ["#94a4a2", "#3f90da", "#ffa90e", "#bd1f01", "#832db6"];
    return { title: "Outcome", of, names, colours, rest: "" };
  }
}
