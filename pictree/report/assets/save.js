// Files that the person saves: made in the page, sent nowhere.
import { text } from "./data.js";

/** @param {string} name @param {string} content */
export function save(name, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** One line of CSV. @param {Array<string|number>} cells */
export const row = (cells) => `${cells.map(cell).join(",")}\n`;

/** @param {string|number} value */
function cell(value) {
  const words = `${value}`;
  return /[",\r\n]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words;
}

/** Make the page's CSV buttons save their tables. */
export function tables() {
  for (const button of document.querySelectorAll("button[data-csv]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      save(`${button.dataset.csv}.csv`, await text(`csv-${button.dataset.csv}`));
    });
  }
}
