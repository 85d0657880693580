// Tabs by the ARIA pattern: arrows move and choose, Home and End jump. Panels that are not chosen
// carry data-off, which only hides them while scripts run.
class TabSet extends HTMLElement {
  connectedCallback() {
    this.tabs = [...this.querySelectorAll('[role="tab"]')];
    this.addEventListener("click", (event) => {
      const tab = event.target.closest('[role="tab"]');
      if (tab) this.#choose(tab);
    });
    this.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    const at = this.tabs.indexOf(event.target);
    if (at < 0) return;
    const last = this.tabs.length - 1;
    const next = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.#choose(this.tabs[next]);
    this.tabs[next].focus();
  }

  #choose(chosen) {
    for (const tab of this.tabs) {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls"))?.toggleAttribute("data-off", !on);
    }
  }
}

customElements.define("tab-set", TabSet);
