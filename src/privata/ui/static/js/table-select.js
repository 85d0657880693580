// <table-select> around a table and its bulk bar: "all" in the head, a count, a clear button.
class TableSelect extends HTMLElement {
  connectedCallback() {
    this.addEventListener("change", (event) => {
      if (event.target.matches("thead input")) {
        for (const box of this.#boxes()) box.checked = event.target.checked;
      }
      this.#show();
    });
    this.addEventListener("click", (event) => {
      if (!event.target.closest("[data-clear]")) return;
      for (const box of this.#boxes()) box.checked = false;
      this.#show();
      this.querySelector("thead input")?.focus();
    });
    // htmx may replace the rows; the bar then counts what is left.
    this.addEventListener("htmx:after:swap", () => this.#show());
    this.#show();
  }

  #boxes() {
    return [...this.querySelectorAll('tbody input[type="checkbox"]')];
  }

  #show() {
    const boxes = this.#boxes();
    const chosen = boxes.filter((box) => box.checked).length;
    const all = this.querySelector("thead input");
    if (all) {
      all.checked = chosen > 0 && chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    }
    const bar = this.querySelector(".bulk");
    if (!bar) return;
    bar.hidden = chosen === 0;
    bar.querySelector("[data-count]").textContent = chosen;
  }
}

customElements.define("table-select", TableSelect);
