// Menus are native popovers; this places them beside their button and moves with the arrows.
const GAP = 6;
const EDGE = 12;

function place(menu, button) {
  const at = button.getBoundingClientRect();
  const width = menu.offsetWidth;
  const height = menu.offsetHeight;
  const left = at.left + width + EDGE > innerWidth ? at.right - width : at.left;
  const below = at.bottom + GAP;
  const top = below + height + EDGE > innerHeight ? at.top - GAP - height : below;
  menu.style.left = `${Math.max(EDGE, left)}px`;
  menu.style.top = `${Math.max(EDGE, top)}px`;
}

const entries = (menu) => [...menu.querySelectorAll("a, button, input, select")];

// `toggle` does not bubble, so it is caught on the way down.
document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (!menu.matches?.(".menu[popover]")) return;
    const button = document.querySelector(`[popovertarget="${menu.id}"]`);
    button?.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "open" && button) {
      place(menu, button);
      entries(menu)[0]?.focus();
    }
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu[popover]");
  if (!menu || event.target.matches("input, select")) return;
  const all = entries(menu);
  const at = all.indexOf(event.target);
  const next = {
    ArrowDown: all[at + 1] || all[0],
    ArrowUp: all[at - 1] || all.at(-1),
    Home: all[0],
    End: all.at(-1),
  }[event.key];
  if (!next) return;
  event.preventDefault();
  next.focus();
});
