// Spot check: 20 random pictures of what would be accepted; click the wrong ones.

import { $, h, percent } from "./dom.js";
import { purityInterval } from "./purity.js";
import { boxFor, paint } from "./tiles.js";

export function result(seen, wrong) {
  const [low, high] = purityInterval(seen, wrong);
  return `${seen - wrong} of ${seen} right: purity ${percent((seen - wrong) / seen)}, 95 % interval ${percent(low)} to ${percent(high)}`;
}

// Shows the pictures; resolves to the ids of the wrong ones, or null where the person leaves.
export function spotCheck(seen, tile, name) {
  const dialog = $("spot"), wrong = new Set(), box = boxFor(tile, innerWidth < 600 ? 70 : 112);
  const said = h("p", { class: "result", role: "status" }, result(seen.length, 0));
  const buttons = seen.map((id, i) => {
    const picture = h("button", { type: "button", class: "spot", "aria-pressed": "false", "aria-label": `picture ${i + 1} of ${seen.length}` });
    picture.dataset.image = id;
    paint(picture, seen, i, box);
    picture.addEventListener("click", () => {
      if (!wrong.delete(id)) wrong.add(id);
      picture.setAttribute("aria-pressed", wrong.has(id));
      said.textContent = result(seen.length, wrong.size);
    });
    return picture;
  });
  return new Promise((resolve) => {
    let answer = null;
    const keep = h("button", { type: "submit", class: "main" }, "Keep this check");
    const form = h("form", { method: "dialog", onsubmit: () => { answer = [...wrong]; } },
      h("h2", { id: "spot-title" }, "Which of these are wrong?"),
      h("p", { class: "note" }, `${seen.length} drawn at random from what would be accepted${name ? ` as “${name}”` : ""}. Click the wrong ones; arrows and Space do it too.`),
      h("div", { class: "spots", onkeydown: (event) => walk(event, buttons) }, ...buttons),
      said,
      h("div", { class: "ends" }, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), keep));
    dialog.replaceChildren(form);
    dialog.onclose = () => resolve(answer);
    dialog.showModal();
    buttons[0].focus();
  });
}

function walk(event, buttons) {
  const now = buttons.indexOf(document.activeElement);
  const across = buttons.filter((b) => b.offsetTop === buttons[0].offsetTop).length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
  if (event.key === "Enter") {
    event.preventDefault();
    buttons[0].form.requestSubmit();
  } else if (step && buttons[now + step]) {
    event.preventDefault();
    buttons[now + step].focus();
  }
}
