// The tree and its cuts: the same clusters and numbers as `pictree cut`.

/** @typedef {{children: number[][], sizes: number[], first: number[], most: number, own: number}} Shape */

export class Tree {
  /** @param {Shape} shape */
  constructor({ children, sizes, first, most, own }) {
    this.leaves = sizes.length;
    this.children = children;
    this.most = most;
    this.own = own;
    this.sizes = [...sizes];
    this.first = [...first];
    for (const [a, b] of children) {
      this.sizes.push(this.sizes[a] + this.sizes[b]);
      this.first.push(Math.min(this.first[a], this.first[b]));
    }
    this.colour = this.#colours();
  }

  /** The node above each leaf when the last k - 1 merges are undone. @param {number} k */
  tops(k) {
    const top = Int32Array.from({ length: 2 * this.leaves - 1 }, (_, node) => node);
    for (let i = this.leaves - k - 1; i >= 0; i--) {
      for (const child of this.children[i]) top[child] = top[this.leaves + i];
    }
    return top.subarray(0, this.leaves);
  }

  /** Nodes that are the clusters 0, 1, … of a cut: largest first. @param {number} k */
  nodes(k) {
    const { sizes, first } = this;
    return [...new Set(this.tops(k))].sort((a, b) => sizes[b] - sizes[a] || first[a] - first[b]);
  }

  /** Cluster of each leaf. @param {number} k */
  clusterOfLeaf(k) {
    const number = new Map(this.nodes(k).map((node, cluster) => [node, cluster]));
    return Uint16Array.from(this.tops(k), (node) => number.get(node));
  }

  /** The two parts, the larger first. @param {number} node */
  parts(node) {
    const [a, b] = this.children[node - this.leaves];
    const bigger = this.sizes[b] - this.sizes[a] || this.first[a] - this.first[b];
    return bigger > 0 ? [b, a] : [a, b];
  }

  /**
   * A colour for each node that stays when the cut moves: the larger part keeps its parent's,
   * the smaller gets a new one. The run's own clusters have the colours of their numbers.
   */
  #colours() {
    const colour = new Array(2 * this.leaves - 1).fill(0);
    this.nodes(this.own).forEach((node, cluster) => { colour[node] = cluster; });
    for (let i = this.leaves - this.own; i < this.leaves - 1; i++) {
      colour[this.leaves + i] = colour[this.parts(this.leaves + i)[0]];
    }
    let next = this.own;
    for (let i = this.leaves - this.own - 1; i >= 0; i--) {
      const [larger, smaller] = this.parts(this.leaves + i);
      colour[larger] = colour[this.leaves + i];
      colour[smaller] = next++;
    }
    return colour;
  }
}
