// The documentation's own elements. Without them every page still reads from top to bottom.

const LANGUAGE = "docs-language";

// <docs-find> filters the list of operations; "/" brings the cursor there, Enter goes to the first.
class DocsFind extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input");
    this.input.addEventListener("input", () => this.#filter());
    this.input.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest("input, textarea, select, [contenteditable]");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      this.input.focus();
    });
  }

  #filter() {
    const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const group of this.querySelectorAll("[data-group]")) {
      let shown = 0;
      for (const row of group.querySelectorAll("[data-words]")) {
        const fits = words.every((word) => row.dataset.words.includes(word));
        row.hidden = !fits;
        shown += fits ? 1 : 0;
      }
      group.hidden = shown === 0;
      found += shown;
    }
    this.querySelector(".docs-none").hidden = found > 0;
  }

  #key(event) {
    if (event.key === "Escape") {
      this.input.value = "";
      this.#filter();
    }
    if (event.key !== "Enter") return;
    event.preventDefault();
    this.querySelector("[data-words]:not([hidden]) a")?.click();
  }
}

// <docs-spy> marks the link whose part of the page is being read.
class DocsSpy extends HTMLElement {
  connectedCallback() {
    this.links = new Map();
    for (const link of this.querySelectorAll('a[href^="#"]')) {
      const part = document.getElementById(link.getAttribute("href").slice(1));
      if (part) this.links.set(part, link);
    }
    this.seen = new IntersectionObserver(() => this.#mark(), { rootMargin: "-80px 0px -60% 0px" });
    for (const part of this.links.keys()) this.seen.observe(part);
  }

  disconnectedCallback() {
    this.seen?.disconnect();
  }

  #mark() {
    let last;
    for (const [part, link] of this.links) {
      if (part.getBoundingClientRect().top <= 140) last = link;
    }
    for (const link of this.links.values()) {
      if (link === last) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (last && getComputedStyle(this.closest(".docs-side") || this).position === "sticky") {
      last.scrollIntoView({ block: "nearest" });
    }
  }
}

// <docs-languages> keeps the chosen language in every sample of the page, and for the next visit.
class DocsLanguages extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const tab = event.target.closest('[role="tab"]');
      if (tab && event.isTrusted) chooseLanguage(tab.textContent.trim());
    });
    const kept = localStorage.getItem(LANGUAGE);
    if (kept) customElements.whenDefined("tab-set").then(() => this.show(kept));
  }

  show(name) {
    for (const tab of this.querySelectorAll('[role="tab"]')) {
      const chosen = tab.getAttribute("aria-selected") === "true";
      if (tab.textContent.trim() === name && !chosen) tab.click();
    }
  }
}

function chooseLanguage(name) {
  localStorage.setItem(LANGUAGE, name);
  for (const one of document.querySelectorAll("docs-languages")) one.show(name);
}

// On a narrow window the menu begins closed; without scripts it stays open.
function startMenu() {
  const menu = document.querySelector(".docs-menu");
  if (!menu || !matchMedia("(max-width: 860px)").matches) return;
  menu.open = false;
  menu.addEventListener("click", (event) => {
    if (event.target.closest("a")) menu.open = false;
  });
}

startMenu();
customElements.define("docs-find", DocsFind);
customElements.define("docs-spy", DocsSpy);
customElements.define("docs-languages", DocsLanguages);
