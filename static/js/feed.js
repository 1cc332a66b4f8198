// The feed re-ranks in place: ask for as many cards as stand on the page, and let them glide.
const feed = () => document.getElementById("feed");
const cards = () => [...feed().querySelectorAll("[data-card]")];
let focusedIndex = -1;
let height = 0;

/** Ask for as many cards as stand on the page, in whole pages, so that the reader keeps their place. */
function keepPlace(event) {
  const { parameters, target, verb } = event.detail;
  if (verb !== "post" || target !== feed()) return;
  const step = Number(feed().dataset.step);
  const shown = Math.max(1, Math.ceil(cards().length / step)) * step;
  parameters.next = `${feed().dataset.url}?shown=${shown}`;
}

/** Name the cards in sight, so that a view transition moves each from its old place to its new one. */
function nameCards() {
  for (const card of cards()) {
    const { top, bottom } = card.getBoundingClientRect();
    const inSight = bottom > 0 && top < innerHeight;
    card.style.viewTransitionName = inSight ? card.id : "";
    card.style.viewTransitionClass = inSight ? "card" : "";
  }
}

function unnameCards() {
  for (const card of cards()) card.style.viewTransitionName = "";
}

/** The button that had the focus goes with its card: hand it to the card that took the place. */
function keepFocus() {
  if (focusedIndex < 0) return;
  const card = cards()[Math.min(focusedIndex, cards().length - 1)];
  card?.querySelector("button")?.focus({ preventScroll: true });
}

export function watchFeed() {
  if (!feed()) return;
  const isFeed = (event) => event.target === feed();
  document.addEventListener("htmx:configRequest", keepPlace);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!isFeed(event)) return;
    height = scrollY;
    focusedIndex = cards().findIndex((card) => card.contains(document.activeElement));
  });
  document.addEventListener("htmx:beforeTransition", (event) => isFeed(event) && nameCards());
  document.addEventListener("htmx:afterSwap", (event) => {
    if (!isFeed(event)) return;
    keepFocus();
    scrollTo({ top: height, behavior: "instant" });
    nameCards();
  });
  document.addEventListener("htmx:afterSettle", (event) => isFeed(event) && setTimeout(unnameCards, 600));
}
