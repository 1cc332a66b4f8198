import { announce, newsOf } from "./news.js";

// The feed re-ranks in place: ask for as many cards as stand on the page, and let them glide.
const feed = () => document.getElementById("feed");
const cards = () => [...feed().querySelectorAll("[data-card]")];
const ids = () => cards().map((card) => card.dataset.card);
let focusedIndex = -1;
let hadFocus = false;
let before = [];
let answered; // the card whose answer is being swapped in
let restored; // the card that an Undo brings back
let height = 0;
let moving = false;
let wanted; // where going back leads to, once its cards are there
const PLACE = "feed-place";

/** Ask for as many cards as stand on the page, in whole pages, so that the reader keeps their place. */
function asMany(count = cards().length) {
  const step = Number(feed().dataset.step);
  const shown = Math.max(1, Math.ceil(count / step)) * step;
  const url = new URL(location.href); // it says how the feed is tuned
  url.searchParams.delete("page");
  url.searchParams.set("shown", shown);
  return url.pathname + url.search;
}

function keepPlace(event) {
  const { parameters, target, verb } = event.detail;
  if (verb === "post" && target === feed()) parameters.next = asMany();
}

/** Note how far the reader came: no browser keeps a page that is somebody's, so going back loads its beginning. */
function notePlace() {
  try {
    sessionStorage.setItem(PLACE, JSON.stringify({ at: location.href, shown: cards().length, top: scrollY }));
  } catch {
    // Storage is blocked: going back leads to the beginning.
  }
}

/** Return where the reader left this very feed. */
function placeLeft() {
  try {
    const place = JSON.parse(sessionStorage.getItem(PLACE));
    return place?.at === location.href ? place : null;
  } catch {
    return null;
  }
}

/** Going back: what was said since, here or on a title's page, must count, and the place is as it was left. */
function catchUp(event) {
  const [{ type }] = performance.getEntriesByType("navigation");
  if (!event.persisted && type !== "back_forward") return;
  const place = event.persisted ? null : placeLeft();
  if (place && place.shown > cards().length) wanted = place.top;
  htmx.ajax("GET", asMany(Math.max(cards().length, place?.shown ?? 0)), { target: "#feed", swap: "innerHTML" });
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

/** One movement at a time: what a quick hand asks for meanwhile is swapped in at once. */
function beforeMoving(event) {
  if (event.detail.target !== feed()) return;
  if (moving) return event.preventDefault();
  nameCards();
}

/** htmx starts the movement and keeps no hand on it: learn when it ends, and take a skipped one calmly. */
function watchMovement() {
  const start = document.startViewTransition?.bind(document);
  if (!start) return;
  document.startViewTransition = (update) => {
    const transition = start(update);
    moving = true;
    transition.ready.catch(() => {});
    transition.finished.catch(() => {}).finally(() => {
      moving = false;
      unnameCards();
    });
    return transition;
  };
}

function unnameCards() {
  for (const card of cards()) card.style.viewTransitionName = "";
}

/** What had the focus goes with its card: hand it to the card that took the place; of what stood above, to the page. */
function keepFocus() {
  const card = focusedIndex < 0 ? undefined : cards()[Math.min(focusedIndex, cards().length - 1)];
  if (card) card.focus({ preventScroll: true });
  else if (hadFocus && document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
}

/** An Undo brings a card back to its place: show it, and hand it the focus that its button lost. */
function showRestored() {
  const card = cards().find((each) => each.dataset.card === restored);
  card?.focus({ preventScroll: true });
  card?.scrollIntoView({ block: "nearest", behavior: "instant" });
}

/** Let the Undo that has just arrived know its card. */
function markUndo() {
  for (const form of document.querySelectorAll("[data-undo]:not([data-restores])")) form.dataset.restores = answered ?? "";
}

function remember({ detail: { requestConfig } }) {
  height = scrollY;
  before = ids();
  answered = requestConfig?.elt.closest("[data-card]")?.dataset.card;
  restored = requestConfig?.elt.closest("[data-undo]")?.dataset.restores;
  hadFocus = document.activeElement !== document.body;
  focusedIndex = cards().findIndex((card) => card.contains(document.activeElement));
}

export function watchFeed() {
  if (!feed()) return;
  watchMovement();
  document.addEventListener("htmx:configRequest", keepPlace);
  addEventListener("pageshow", catchUp);
  addEventListener("pagehide", notePlace);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target !== feed()) return; // also where the answer chose it
    remember(event);
  });
  document.addEventListener("htmx:beforeTransition", beforeMoving);
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target !== feed()) return; // each new card has an event of its own
    keepFocus();
    scrollTo({ top: wanted ?? height, behavior: "instant" });
    wanted = undefined;
    markUndo();
    if (restored) showRestored();
    announce(newsOf(before, cards()));
    if (moving) nameCards();
  });
}
