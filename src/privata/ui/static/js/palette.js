// The command palette. What it finds is an HTML fragment of the server (htmx fetches it while one
// types); this opens it, and walks the options with the arrows as a combobox does.
const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input");
const found = dialog?.querySelector(".found");
const start = found?.innerHTML;

const options = () => [...found.querySelectorAll('[role="option"]')];

function mark(option) {
  for (const each of options()) each.setAttribute("aria-selected", String(each === option));
  if (!option) {
    input.removeAttribute("aria-activedescendant");
    return;
  }
  input.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

// Options need ids for aria-activedescendant; the server need not invent them.
function arrived() {
  options().forEach((option, at) => {
    option.id = `palette-option-${at}`;
    option.tabIndex = -1;
  });
  mark(options()[0]);
}

function open() {
  if (dialog.open) return;
  input.value = "";
  found.innerHTML = start;
  dialog.showModal();
  arrived();
  input.focus();
}

function walk(event) {
  const all = options();
  const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const next = { ArrowDown: all[at + 1] || all[0], ArrowUp: all[at - 1] || all.at(-1) }[event.key];
  if (next) {
    event.preventDefault();
    mark(next);
  } else if (event.key === "Enter" && all[at]) {
    event.preventDefault();
    all[at].click();
  }
}

if (dialog) {
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      open();
    }
  });
  document.addEventListener("click", (event) => {
    // The search button is a link to the search page, for browsers without scripts.
    if (!event.target.closest("[data-palette]") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    open();
  });
  input.addEventListener("keydown", walk);
  // htmx begins a moment after the page is there, and has not heard what was typed by then.
  input.addEventListener("htmx:after:init", () => {
    if (dialog.open && input.value) input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  found.addEventListener("pointermove", (event) => {
    const option = event.target.closest('[role="option"]');
    if (option) mark(option);
  });
  new MutationObserver(arrived).observe(found, { childList: true });
}
