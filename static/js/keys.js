// Keys: move between cards, answer the one that has the focus, undo, search. `?` lists them and can switch them off.
const ANSWERS = {
  1: "dislike", d: "dislike", 2: "like", l: "like", 3: "love", v: "love",
  s: "save-button", x: "seen", n: "not-now", f: "franchise",
};
const STEPS = { j: 1, ArrowRight: 1, k: -1, ArrowLeft: -1 };
const OFF = "keys-off";
const dialog = () => document.getElementById("keys");
const cards = () => [...document.querySelectorAll("#main article.card")];

function isOff() {
  try {
    return localStorage.getItem(OFF) !== null;
  } catch {
    return false; // Storage is blocked: the keys are on.
  }
}

function switchKeys(on) {
  try {
    if (on) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "");
  } catch {
    // Storage is blocked: the choice cannot be kept.
  }
}

function step(by) {
  const all = cards();
  const here = all.findIndex((card) => card.contains(document.activeElement));
  const card = all[here < 0 ? 0 : Math.min(Math.max(here + by, 0), all.length - 1)];
  if (!card) return;
  card.tabIndex = -1;
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
}

/** Answer the card with the focus; on a title's page there is only one title to answer. */
function answer(name) {
  const place = document.activeElement.closest("article.card") ?? document.querySelector("#main .hero");
  const button = place?.querySelector(`button[id^="${name}-"]`);
  button?.click();
  return Boolean(button);
}

function undo() {
  const [latest] = [...document.querySelectorAll("[data-undo] button")].slice(-1);
  latest?.click();
  return Boolean(latest);
}

function search() {
  const field = document.querySelector('#main input[type="search"]');
  if (field) field.focus();
  else document.querySelector("[data-search-link]").click();
  return true;
}

/** Carry out a key; return whether it meant something here. */
function press(key) {
  if (key in STEPS) return step(STEPS[key]), true;
  if (key in ANSWERS) return answer(ANSWERS[key]);
  if (key === "u") return undo();
  if (key === "/") return search();
  if (key === "?") return dialog().showModal(), true;
  if (key === "Enter" && document.activeElement.matches("article.card")) {
    return document.activeElement.querySelector(".card__title a").click(), true;
  }
  return false;
}

function onKey(event) {
  const { key, altKey, ctrlKey, metaKey, target, isComposing, repeat } = event;
  if (altKey || ctrlKey || metaKey || isComposing || dialog().open) return;
  if (target.closest("input, select, textarea, summary, [contenteditable]")) return;
  if (repeat && !(key in STEPS)) return; // a key held down answers once
  if (isOff()) return; // the button that opens the list has the switch too
  if (press(key)) event.preventDefault();
}

export function watchKeys() {
  const switcher = dialog().querySelector("[data-keys-switch]");
  switcher.checked = !isOff();
  switcher.addEventListener("change", () => switchKeys(switcher.checked));
  dialog().addEventListener("click", (event) => event.target === dialog() && dialog().close());
  document.addEventListener("click", ({ target }) => target.closest?.("[data-keys-open]") && dialog().showModal());
  document.addEventListener("keydown", onKey);
}
