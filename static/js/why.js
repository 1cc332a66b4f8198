// The dialog of reasons: it opens with what HTMX brings into it, and closes when something is decided.
export function watchWhy() {
  const dialog = document.getElementById("why-dialog");
  if (!dialog) return;
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "why") return;
    if (!dialog.open) dialog.showModal();
    event.target.scrollTop = 0;
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
  dialog.addEventListener("htmx:beforeRequest", () => dialog.close());
}
