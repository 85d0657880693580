// Keys that work on every page; the dialog that lists them is in ui/base.html.
const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.querySelector("dialog:modal")) return;
  if (event.key === "?") {
    event.preventDefault();
    document.getElementById("shortcuts")?.showModal();
  }
  if (event.key === "/") {
    const find = document.querySelector("main [data-find]");
    if (!find) return;
    event.preventDefault();
    find.focus();
    find.select();
  }
});
