import { toast } from "./toast.js";

const SHOWN_MS = 1400;

// <copy-button><button data-copy="text, or #id of the element whose text to copy">
class CopyButton extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => this.#copy(event));
  }

  async #copy(event) {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    event.preventDefault();
    event.stopPropagation();
    const source = button.dataset.copy;
    const text = source.startsWith("#") ? document.querySelector(source).textContent : source;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // No permission, or the page came over plain HTTP.
      toast("Your browser blocked copying", "bad");
      return;
    }
    button.dataset.done = "";
    toast("Copied");
    setTimeout(() => delete button.dataset.done, SHOWN_MS);
  }
}

customElements.define("copy-button", CopyButton);
