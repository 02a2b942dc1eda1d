// The maps stand below each other; where scripts run, they become tabs.
const maps = [...document.querySelectorAll(".map")];
const bar = document.getElementById("map-tabs");

function show(chosen, focus) {
  tabs.forEach((tab, i) => {
    const on = i === chosen;
    tab.setAttribute("aria-selected", on);
    tab.tabIndex = on ? 0 : -1;
    maps[i].classList.toggle("away", !on);
    if (on && focus) tab.focus();
  });
}

const tabs = maps.length < 2 ? [] : maps.map((map, i) => {
  const tab = document.createElement("button");
  tab.type = "button";
  tab.id = `tab-${map.id}`;
  tab.textContent = map.dataset.name;
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", map.id);
  tab.addEventListener("click", () => show(i, false));
  map.setAttribute("role", "tabpanel");
  map.setAttribute("aria-labelledby", tab.id);
  bar.append(tab);
  return tab;
});

if (tabs.length) {
  bar.setAttribute("role", "tablist");
  bar.setAttribute("aria-label", "Maps");
  bar.addEventListener("keydown", (event) => {
    const now = tabs.indexOf(document.activeElement);
    const next = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (now < 0 || next === undefined) return;
    event.preventDefault();
    show((next + tabs.length) % tabs.length, true);
  });
  show(0, false);
}
