// Choosing another group: type to narrow the list, arrows and Enter take one.

import { $, counted, h } from "./dom.js";
import { nameOf } from "./groups.js";
import { boxFor, paint } from "./tiles.js";

export function pickGroup(question, groups, tile) {
  const dialog = $("pick");
  let shown = [], at = 0;
  const list = h("ul", { id: "choices", role: "listbox", "aria-label": "Groups" });
  const field = h("input", { type: "text", role: "combobox", "aria-label": "Find a group", "aria-expanded": "true", "aria-controls": "choices", placeholder: "Type to find" });
  return new Promise((resolve) => {
    let answer = null;
    const take = (group) => { answer = group?.key ?? null; dialog.close(); };
    const draw = () => {
      const typed = field.value.trim().toLocaleLowerCase();
      shown = groups.filter((g) => nameOf(g).toLocaleLowerCase().includes(typed));
      at = Math.max(0, Math.min(at, shown.length - 1));
      list.replaceChildren(...shown.map((group, i) => {
        const face = h("span", { class: "face", "aria-hidden": "true" });
        paint(face, group.faces, 0, boxFor(tile, 44));
        return h("li", { id: `choice${i}`, role: "option", "aria-selected": i === at, onclick: () => take(group) },
          face, h("bdi", {}, nameOf(group)), h("small", {}, counted(group.size)));
      }));
      field.setAttribute("aria-activedescendant", shown.length ? `choice${at}` : "");
      list.children[at]?.scrollIntoView({ block: "nearest" });
    };
    field.addEventListener("input", () => { at = 0; draw(); });
    field.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && shown.length) {
        at = (at + step + shown.length) % shown.length;
        event.preventDefault();
        draw();
      } else if (event.key === "Enter") {
        event.preventDefault();
        if (shown.length) take(shown[at]);
      }
    });
    dialog.replaceChildren(
      h("h2", { id: "pick-title" }, question), field, list,
      h("div", { class: "ends" }, h("button", { type: "button", onclick: () => take(null) }, "Cancel")));
    dialog.onclose = () => resolve(answer);
    draw();
    dialog.showModal();
    field.focus();
  });
}
