// The list of groups: those that wait for a name first, most pictures won per decision on top.

import { $, count, counted, h, percent } from "./dom.js";
import { boxFor, paint } from "./tiles.js";

const won = (group) => group.size * group.expected;

export function inOrder(groups) {
  const open = groups.filter((g) => g.label === null && !g.junk).sort((a, b) => won(b) - won(a));
  const named = groups
    .filter((g) => g.label !== null)
    .sort((a, b) => a.label.localeCompare(b.label, "en", { numeric: true }) || b.size - a.size);
  const junk = groups.filter((g) => g.junk).sort((a, b) => b.size - a.size);
  return { open, named, junk };
}

export const nameOf = (group) => group.label ?? (/^\d/.test(group.title) ? `Group ${group.title}` : group.title);

export function about(group) {
  if (group.check) return `checked: ${percent(group.check.low)} to ${percent(group.check.high)} pure`;
  return group.by === "spread" && group.label !== null ? "spread, not checked" : `neighbours agree: ${percent(group.expected)}`;
}

export function showGroups(state, current, marked, choose) {
  const { open, named, junk } = inOrder(state.groups), place = $("groups");
  const scrolled = place.scrollTop;
  const parts = [["To name", open], ["Named", named], ["Put aside", junk]].filter((part) => part[1].length);
  place.replaceChildren(
    ...parts.map(([title, groups]) => {
      const images = groups.reduce((sum, g) => sum + g.size, 0);
      return h("section", {},
        h("h2", {}, title, " ", h("small", {}, `${groups.length} · ${counted(images)}`)),
        h("ul", {}, ...groups.map((group) => h("li", {}, row(state, group, current, marked, choose)))));
    }),
  );
  place.scrollTop = scrolled;
  const now = place.querySelector('[aria-current="true"]');
  now?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function row(state, group, current, marked, choose) {
  const face = h("span", { class: "face", "aria-hidden": "true" });
  paint(face, group.faces, 0, boxFor(state.tile, 44));
  const button = h("button", { type: "button", class: "group", onclick: (event) => choose(group.key, event) },
    face,
    h("span", { class: "words" },
      h("bdi", { class: "name" }, nameOf(group)),
      h("span", { class: "size" }, count(group.size), h("span", { class: "away" }, " pictures, ")),
      h("span", { class: "looks" }, about(group))));
  button.dataset.key = group.key;
  button.setAttribute("aria-current", group.key === current);
  button.classList.toggle("marked", marked.has(group.key));
  return button;
}
