// What is always in view: labelled, left, decisions, pictures per minute, estimated error.

import { $, count, h, percent } from "./dom.js";

export function showFigures(state) {
  const f = state.figures, share = f.images ? f.labelled / f.images : 0;
  $("run").textContent = state.name;
  document.title = `${percent(share)} labelled – ${state.name}`;
  const bar = $("progress");
  bar.setAttribute("aria-valuenow", Math.round(100 * share));
  bar.firstElementChild.style.width = `${100 * share}%`;
  const shown = [
    ["Labelled", count(f.labelled), percent(share), "labelled"],
    ["Left", count(f.left), f.junk ? `${count(f.junk)} put aside` : "", "left"],
    ["Decisions", count(f.decisions), f.checks ? `${f.checks} ${f.checks === 1 ? "check" : "checks"}` : "", "decisions"],
    ["Per minute", f.rate === null ? "–" : count(Math.round(f.rate)), "pictures", "rate"],
    error(f.error),
  ];
  $("figures").replaceChildren(
    ...shown.map(([term, value, more, kind]) =>
      h("div", { class: kind }, h("dt", {}, term), h("dd", {}, h("b", {}, value), h("small", {}, more)))),
  );
  for (const [id, what] of [["undo", state.undo], ["redo", state.redo]]) {
    $(id).disabled = what === null;
    $(id).title = what === null ? "" : `${id === "undo" ? "Take back" : "Do again"}: ${what}`;
  }
}

function error(found) {
  if (found === null) return ["Label error", "?", "not checked yet", "error"];
  const range = `${percent(found.low)} to ${percent(found.high)}`;
  const checked = found.covered < 0.995 ? `, ${percent(found.covered)} checked` : "";
  return ["Label error", percent(found.value), range + checked, "error"];
}
