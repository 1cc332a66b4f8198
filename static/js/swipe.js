// On a phone a card is swiped: right likes it, left dislikes it. Up and down stays with the browser (touch-action).
const START = 12; // pixels before a touch is a swipe
const SHARE = 0.3; // of the card's width, from where letting go counts
const KNOWN = "swipe-known"; // theme.js reads it
const STYLES = ["--swipe", "--swipe-share", "--swipe-strength"];
const narrow = matchMedia("(max-width: 39.99rem)");
let swipe = null;

function follow({ card, width }, dx) {
  const share = Math.max(-1, Math.min(1, dx / width));
  card.dataset.swipe = dx > 0 ? "Like" : "Dislike";
  card.style.setProperty("--swipe", `${dx}px`);
  card.style.setProperty("--swipe-share", share);
  card.style.setProperty("--swipe-strength", Math.min(0.85, Math.abs(share) / SHARE));
}

function rest({ card }) {
  card.classList.add("is-returning");
  card.classList.remove("is-swiping", "is-thrown");
  for (const name of STYLES) card.style.removeProperty(name);
  delete card.dataset.swipe;
}

function begin(event) {
  const card = event.target.closest("#feed .card");
  if (!card || event.pointerType !== "touch" || !event.isPrimary || !narrow.matches) return;
  swipe = { card, x: event.clientX, y: event.clientY, width: card.offsetWidth, moving: false, id: event.pointerId };
}

function move(event) {
  if (event.pointerId !== swipe?.id) return;
  const dx = event.clientX - swipe.x;
  if (!swipe.moving) {
    if (Math.abs(event.clientY - swipe.y) > START) return end(); // it scrolls
    if (Math.abs(dx) < START) return;
    swipe.moving = true;
    swipe.card.setPointerCapture(event.pointerId);
    swipe.card.classList.remove("is-returning");
    swipe.card.classList.add("is-swiping");
  }
  follow(swipe, dx);
}

function release(event) {
  if (event.pointerId !== swipe?.id) return;
  const { card, moving, x, width } = swipe;
  const dx = event.clientX - x;
  if (!moving || Math.abs(dx) < SHARE * width) return end();
  swipe = null;
  learnt();
  card.classList.add("is-thrown");
  card.style.setProperty("--swipe", `${Math.sign(dx) * width * 1.3}px`);
  card.querySelector(dx > 0 ? ".action--like" : ".action--dislike").click();
}

/** An answer that did not arrive: the card is still unanswered, and comes back. */
function takeBack({ target, detail }) {
  const card = target.closest?.(".is-thrown");
  if (card && !detail.successful) rest({ card });
}

function end() {
  if (swipe?.moving) rest(swipe);
  swipe = null;
}

/** Who has swiped needs no hint. */
function learnt() {
  document.documentElement.classList.add("swipes");
  try {
    localStorage.setItem(KNOWN, "");
  } catch {
    // Storage is blocked: the hint is there again on the next page.
  }
}

export function watchSwipes() {
  if (!document.getElementById("feed")) return;
  document.addEventListener("pointerdown", begin);
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", release);
  document.addEventListener("htmx:afterRequest", takeBack);
  document.addEventListener("pointercancel", (event) => event.pointerId === swipe?.id && end());
}
