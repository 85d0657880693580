// The theme is a cookie that the server writes into <html data-theme>: no flash, no inline script.
const YEAR_SECONDS = 31536000;

class ThemeToggle extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", () => {
      const root = document.documentElement;
      const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      const next = (root.dataset.theme || system) === "dark" ? "light" : "dark";
      root.dataset.theme = next;
      const secure = location.protocol === "https:" ? ";secure" : "";
      document.cookie = `theme=${next};path=/;max-age=${YEAR_SECONDS};samesite=lax${secure}`;
    });
  }
}

customElements.define("theme-toggle", ThemeToggle);
