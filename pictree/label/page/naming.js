// The name's field: completion by names so far, Enter takes it.

import { $, count, h } from "./dom.js";

const MOST = 8;

export class Naming {
  constructor(named) {
    this.field = $("name");
    this.list = $("completions");
    this.names = [];
    this.at = -1;
    this.field.addEventListener("input", () => this.complete());
    this.field.addEventListener("keydown", (event) => this.onKey(event));
    this.field.addEventListener("blur", () => this.close());
    $("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = this.at >= 0 ? this.found[this.at][0] : this.field.value.trim();
      this.close();
      if (name) named(name);
      else this.field.focus();
    });
  }

  set(names, value) {
    this.names = names;
    this.field.value = value ?? "";
    this.close();
  }

  complete() {
    const typed = this.field.value.trim().toLocaleLowerCase();
    const places = this.names
      .map((name) => [name[0].toLocaleLowerCase().indexOf(typed), name])
      .filter(([place, name]) => place >= 0 && name[0] !== this.field.value.trim());
    places.sort((a, b) => (a[0] > 0) - (b[0] > 0));
    this.found = typed ? places.slice(0, MOST).map((p) => p[1]) : this.names.slice(0, MOST);
    this.at = -1;
    this.draw();
  }

  draw() {
    this.list.replaceChildren(
      ...this.found.map(([name, images], i) =>
        h("li", {
          id: `completion${i}`,
          role: "option",
          "aria-selected": i === this.at,
          onpointerdown: (event) => {
            event.preventDefault();
            this.field.value = name;
            this.close();
          },
        }, h("bdi", {}, name), h("small", {}, count(images)))),
    );
    const open = this.found.length > 0;
    this.list.hidden = !open;
    this.field.setAttribute("aria-expanded", open);
    if (this.at >= 0) this.field.setAttribute("aria-activedescendant", `completion${this.at}`);
    else this.field.removeAttribute("aria-activedescendant");
  }

  close() {
    this.found = [];
    this.at = -1;
    this.draw();
  }

  onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      if (!this.found.length) this.complete();
      const n = this.found.length;
      if (n) this.at = (this.at + step + (this.at < 0 && step < 0 ? 1 : 0) + n) % n;
      this.draw();
      event.preventDefault();
    } else if (event.key === "Escape" && this.found.length) {
      this.close();
      event.stopPropagation();
      event.preventDefault();
    }
  }
}
