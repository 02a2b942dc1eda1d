// Elements from plain data. Text is only ever text: no markup is parsed anywhere.

export const $ = (id) => document.getElementById(id);

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && !name.includes("-") && name !== "role") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const count = (n) => n.toLocaleString("en");

export const counted = (n) => (n === 1 ? "1 picture" : `${count(n)} pictures`);

export function percent(share) {
  const hundred = 100 * share;
  if (hundred > 0 && hundred < 1) return `${hundred.toFixed(1)} %`;
  if (hundred > 99 && hundred < 100) return `${(Math.floor(hundred * 10) / 10).toFixed(1)} %`;
  return `${Math.round(hundred)} %`;
}

let quiet = 0;

export function say(text, kind = "") {
  const place = $("said");
  place.textContent = text;
  place.className = `said shown ${kind}`;
  clearTimeout(quiet);
  quiet = setTimeout(() => place.classList.remove("shown"), kind === "bad" ? 12000 : 5000);
}
