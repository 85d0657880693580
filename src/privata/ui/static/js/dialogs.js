// Modals: <button data-dialog="id"> opens, [data-close] inside closes.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.dialog);
    if (dialog && !dialog.open) {
      // The opener may be a link to a page that asks the same, for browsers without scripts.
      event.preventDefault();
      dialog.showModal();
    }
    return;
  }
  const dialog = event.target.closest("dialog");
  if (!dialog || dialog.id === "drawer") return;
  const backdrop = event.target === dialog && !dialog.hasAttribute("data-firm");
  if (backdrop || event.target.closest("[data-close]")) dialog.close();
});

// <show-once>: a dialog with a secret that is never shown again. Neither Esc nor the backdrop
// close it until "I have copied this" is ticked.
class ShowOnce extends HTMLElement {
  connectedCallback() {
    const dialog = this.querySelector("dialog");
    const tick = this.querySelector("[data-copied]");
    const done = this.querySelector("[data-close]");
    done.disabled = true;
    tick.addEventListener("change", () => {
      done.disabled = !tick.checked;
    });
    dialog.addEventListener("cancel", (event) => {
      if (!tick.checked) event.preventDefault();
    });
    // A browser lets a second Esc through whatever `cancel` says; then it opens again.
    dialog.addEventListener("close", () => {
      if (tick.checked) this.#end();
      else dialog.showModal();
    });
    // Without scripts the dialog stands open in the page; with them it is modal.
    dialog.removeAttribute("open");
    dialog.showModal();
  }

  #end() {
    const next = this.dataset.next;
    this.remove();
    if (next) location.assign(next);
  }
}

customElements.define("show-once", ShowOnce);
