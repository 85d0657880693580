const SHOWN_MS = 4000;

// A toast stays while the pointer or the focus is in it.
class ToastMessage extends HTMLElement {
  connectedCallback() {
    this.#arm();
    this.addEventListener("pointerenter", () => clearTimeout(this.timer));
    this.addEventListener("focusin", () => clearTimeout(this.timer));
    this.addEventListener("pointerleave", () => this.#arm());
    this.addEventListener("focusout", () => this.#arm());
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  #arm() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.remove(), SHOWN_MS);
  }
}

customElements.define("toast-msg", ToastMessage);

const region = document.getElementById("toasts");

// A modal dialog lies in the browser's top layer. While one is open the region joins it there as a
// popover; otherwise it stays an ordinary element, which screen readers announce reliably.
function lift() {
  const modal = document.querySelector("dialog:modal");
  if (region.hasAttribute("popover")) {
    region.hidePopover();
    region.removeAttribute("popover");
  }
  if (modal && region.childElementCount) {
    region.setAttribute("popover", "manual");
    region.showPopover();
  }
}

if (region) new MutationObserver(lift).observe(region, { childList: true });

// Show `text` in the page's one polite live region.
export function toast(text, tone = "") {
  const message = document.createElement("toast-msg");
  message.textContent = text;
  if (tone) message.dataset.tone = tone;
  region?.append(message);
}
