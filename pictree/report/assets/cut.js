// The slider that cuts the tree, and the figures of the cut.
import { set, soon, state } from "./state.js";
import { count, make, percent } from "./words.js";

const BEST = 5;
const PURITY = "Share of images that have the commonest known label of their cluster; it grows with k";
const MATCHED = "Share of images that are right when each known label gets one cluster at most; it falls when there are more clusters than labels";
const AGREEMENT = "How alike the tree's runs are at this number of clusters (mean adjusted Rand index): 1 is the same every time";

/** @param {HTMLElement} bar @param {any} page tree, facts */
export function cutter(bar, { tree, facts }) {
  const slider = bar.querySelector("input");
  slider.max = `${tree.most}`;
  slider.value = `${tree.own}`;
  const apply = soon(() => set({ k: Number(slider.value) }));
  slider.addEventListener("input", apply);
  const ks = facts.cuts.map(([k]) => k).filter((k) => k >= 2 && k <= tree.most);
  const best = [...new Set([tree.own, ...ks])].slice(0, BEST);
  bar.querySelector(".best").append(...best.map((k) => {
    const button = make("button", { type: "button", "data-k": k }, `${k}`);
    button.addEventListener("click", () => { slider.value = `${k}`; set({ k }); });
    return button;
  }));
  bar.querySelector(".best").hidden = best.length < 2;
  bar.hidden = false;
}

/** @param {HTMLElement} bar @param {any} page tree, facts, colouring */
export function figures(bar, { tree, facts, colouring }) {
  const { k } = state;
  const groups = colouring.groups("cluster", k);
  bar.querySelector("input").setAttribute("aria-valuetext", `${k} clusters`);
  bar.querySelector("output").textContent = `${k} clusters`;
  for (const button of bar.querySelectorAll("[data-k]")) {
    button.setAttribute("aria-pressed", `${Number(button.dataset.k) === k}`);
  }
  const sizes = groups.sizes.slice(0, k);
  const said = [["Largest", count(Math.max(...sizes))], ["Smallest", count(Math.min(...sizes))]];
  const scores = facts.tree.figures[k];
  if (scores) said.push(["Purity", scores.purity.toFixed(3), PURITY], ["Matched accuracy", scores.acc.toFixed(3), MATCHED]);
  const agreement = facts.cuts.find(([other]) => other === k)?.[1] ?? null;
  if (agreement !== null) said.push(["Agreement", agreement.toFixed(2), AGREEMENT]);
  bar.querySelector("dl").replaceChildren(
    ...said.map(([term, value, about]) => {
      const name = about ? make("abbr", { title: about }, term) : term;
      return make("div", {}, make("dt", {}, name), make("dd", {}, value));
    }),
  );
  const share = percent(facts.tree.kept[k - 1], 1);
  document.getElementById("kept").textContent =
    `Cut into ${k} clusters, the tree keeps ${share} of what its leaves tell about neighbours.`;
  const command = bar.querySelector(".command");
  command.textContent = k === tree.own ? "" : "To keep this cut: ";
  if (k !== tree.own) command.append(make("code", {}, `pictree cut RUN --k ${k}`));
  else command.append("The cut of this run");
}
