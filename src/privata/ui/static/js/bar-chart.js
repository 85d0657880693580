// <bar-chart data-rows="[{t, main, bad, prev}]" data-labels='["Completed","Failed","Day before"]'>
// Stacked bars per slice of time in SVG: themed by CSS, read with the arrows, and the same data
// stands in the page as a table. The last slice is still running, so it is hatched.
import { bar, element, nice } from "./bar-chart-shapes.js";

const MARGIN = { left: 30, right: 8, top: 12, bottom: 24 };
const pad = (hour) => `${String(hour % 24).padStart(2, "0")}:00`;
let count = 0;

class BarChart extends HTMLElement {
  connectedCallback() {
    this.rows = JSON.parse(this.dataset.rows);
    this.labels = JSON.parse(this.dataset.labels);
    this.plot = this.querySelector(".plot");
    this.tip = this.querySelector(".tip");
    this.hatch = `chart-hatch-${(count += 1)}`;
    this.picked = -1;
    this.resized = new ResizeObserver(() => this.#draw());
    this.resized.observe(this.plot);
    this.plot.addEventListener("pointermove", (event) => this.#pick(this.#slotAt(event)));
    this.plot.addEventListener("pointerdown", (event) => this.#pick(this.#slotAt(event)));
    this.plot.addEventListener("pointerleave", () => this.#pick(-1));
    this.plot.addEventListener("blur", () => this.#pick(-1));
    this.plot.addEventListener("keydown", (event) => this.#key(event));
    const toggle = document.querySelector(`[data-chart-table="${this.id}"]`);
    toggle?.addEventListener("click", () => this.#swap(toggle));
  }

  disconnectedCallback() {
    this.resized.disconnect();
  }

  #swap(button) {
    const table = this.dataset.view !== "table";
    this.dataset.view = table ? "table" : "chart";
    button.setAttribute("aria-pressed", String(table));
    // The table scrolls, so the keyboard must reach it, but only while it is seen.
    const box = this.querySelector(".chart-table");
    if (table) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }

  #clamp(at) {
    return Math.max(0, Math.min(this.rows.length - 1, at));
  }

  #slotAt(event) {
    const box = this.plot.getBoundingClientRect();
    return this.#clamp(Math.floor((event.clientX - box.left - MARGIN.left) / this.step));
  }

  #key(event) {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (move) {
      event.preventDefault();
      const from = this.picked < 0 ? (move > 0 ? -1 : this.rows.length) : this.picked;
      this.#pick(this.#clamp(from + move));
    }
    if (event.key === "Escape") this.#pick(-1);
  }

  #draw() {
    const width = this.plot.clientWidth;
    const height = this.plot.clientHeight;
    if (!width || !this.rows.length) return;
    const heights = this.rows.map((row) => Math.max(row.main + row.bad, row.prev || 0));
    const most = Math.max(4, ...heights);
    const interval = nice(most);
    const top = Math.ceil(most / interval) * interval;
    const inner = height - MARGIN.top - MARGIN.bottom;
    this.y = (value) => MARGIN.top + inner * (1 - value / top);
    this.step = (width - MARGIN.left - MARGIN.right) / this.rows.length;
    const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    svg.append(this.#pattern(), ...this.#grid(top, interval, width));
    this.slots = this.rows.map((row, at) => this.#slot(row, at, inner, top));
    for (const slot of this.slots) svg.append(...slot);
    svg.append(...this.#axis(width, height), this.#before());
    this.plot.replaceChildren(svg);
    if (this.picked >= 0) this.#pick(this.picked);
  }

  #pattern() {
    const tile = {
      id: this.hatch,
      width: 5,
      height: 5,
      patternUnits: "userSpaceOnUse",
      patternTransform: "rotate(45)",
    };
    const back = element("rect", { class: "h-back", width: 5, height: 5 });
    const front = element("rect", { class: "h-front", width: 2.2, height: 5 });
    return element("defs", {}, element("pattern", tile, back, front));
  }

  #grid(top, interval, width) {
    const parts = [];
    for (let value = 0; value <= top; value += interval) {
      const y = this.y(value);
      const line = { x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y };
      parts.push(element("line", { class: value ? "grid" : "grid base", ...line }));
      const at = { x: MARGIN.left - 8, y: y + 4, "text-anchor": "end" };
      parts.push(element("text", at, value.toLocaleString("en")));
    }
    return parts;
  }

  #slot(row, at, inner, top) {
    const x = MARGIN.left + at * this.step;
    const shape = { x, y: MARGIN.top - 4, width: this.step, height: inner + 4, rx: 4 };
    const running = at === this.rows.length - 1;
    const group = bar(row, {
      x,
      step: this.step,
      y: this.y,
      top,
      fill: running ? `url(#${this.hatch})` : null,
    });
    return [element("rect", { class: "slot", ...shape }), group];
  }

  #axis(width, height) {
    const every = width < 460 ? 6 : width < 640 ? 4 : 3;
    const end = this.rows.length - 1;
    return this.rows.flatMap((row, at) => {
      if ((end - at) % every) return [];
      const x = MARGIN.left + (at + 0.5) * this.step;
      const text = at === end ? "Now" : pad(new Date(row.t).getUTCHours());
      return [element("text", { x, y: height - 6, "text-anchor": "middle" }, text)];
    });
  }

  #before() {
    const points = this.rows
      .map((row, at) => [MARGIN.left + (at + 0.5) * this.step, row.prev])
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([x, value]) => `${x} ${this.y(value)}`);
    return element("path", { class: "prev", d: points.length ? `M${points.join("L")}` : "" });
  }

  #pick(at) {
    this.picked = at;
    this.slots?.forEach((parts, index) => {
      for (const part of parts) part.classList.toggle("on", index === at);
    });
    this.plot.classList.toggle("dim", at >= 0);
    this.tip.classList.toggle("on", at >= 0);
    if (at >= 0) this.#tell(at);
  }

  #tell(at) {
    const row = this.rows[at];
    const hour = new Date(row.t).getUTCHours();
    const head = document.createElement("b");
    const running = at === this.rows.length - 1 ? ", so far" : "";
    head.textContent = `${pad(hour)} to ${pad(hour + 1)} UTC${running}`;
    const values = [["", row.main], ["bad", row.bad], ["prev", row.prev]];
    const lines = values
      .map(([tone, value], index) => this.#line(tone, this.labels[index], value))
      .filter(Boolean);
    this.tip.replaceChildren(head, ...lines);
    this.#placeTip(this.plot.offsetLeft + MARGIN.left + (at + 0.5) * this.step);
  }

  #line(tone, label, value) {
    if (value === null || value === undefined || !label) return null;
    const line = document.createElement("div");
    const swatch = document.createElement("i");
    swatch.className = `sw ${tone}`;
    const name = document.createElement("span");
    name.textContent = label;
    const figure = document.createElement("span");
    figure.textContent = value.toLocaleString("en");
    line.append(swatch, name, figure);
    return line;
  }

  #placeTip(center) {
    const width = this.tip.offsetWidth;
    const right = center + 14;
    const x = right + width > this.clientWidth - 8 ? center - width - 14 : right;
    this.tip.style.transform = `translate(${Math.max(8, x)}px, 10px)`;
  }
}

customElements.define("bar-chart", BarChart);
