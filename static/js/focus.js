// An answer may take away what had the focus. Hand it to what took that place, so that the keyboard goes on from there.
const main = () => document.getElementById("main");
const rows = () => [...main().querySelectorAll("article")];
let row; // the place of what had the focus; undefined: nothing of the page had it

function remember({ detail: { target } }) {
  const here = document.activeElement;
  row = target.contains(here) && here !== document.body ? rows().findIndex((each) => each.contains(here)) : undefined;
}

/** htmx itself finds again what has an id. */
function restore() {
  if (row === undefined || document.activeElement !== document.body) return;
  const place = rows()[Math.min(row, rows().length - 1)] ?? main();
  place.tabIndex = -1;
  place.focus({ preventScroll: true });
}

export function watchFocus() {
  document.addEventListener("htmx:beforeSwap", remember);
  document.addEventListener("htmx:afterSwap", restore);
}
