// On a phone a card is swiped: right likes it, left dislikes it. Up and down stays with the browser (touch-action).
const START = 12; // pixels before a touch is a swipe
const SHARE = 0.3; // of the card's width, from where letting go counts
const KNOWN = "swipe-known";
const STYLES = ["--swipe", "--swipe-share", "--swipe-strength"];
const narrow = matchMedia("(max-width: 39.99rem)");
const hint = () => document.querySelector("[data-swipe-hint]");
let swipe = null;

function follow({ card, width }, dx) {
  const share = Math.max(-1, Math.min(1, dx / width));
  card.dataset.swipe = dx > 0 ? "Like" : "Dislike";
  card.style.setProperty("--swipe", `${dx}px`);
  card.style.setProperty("--swipe-share", share);
  card.style.setProperty("--swipe-strength", Math.min(0.92, Math.abs(share) / SHARE));
}

function rest({ card }) {
  card.classList.add("is-returning");
  card.classList.remove("is-swiping");
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
  end();
  if (!moving || Math.abs(dx) < SHARE * width) return;
  learnt();
  card.querySelector(dx > 0 ? ".action--like" : ".action--dislike").click();
}

function end() {
  if (swipe?.moving) rest(swipe);
  swipe = null;
}

function learnt() {
  hint()?.remove();
  try {
    localStorage.setItem(KNOWN, "");
  } catch {
    // Storage is blocked: the hint is there again on the next page.
  }
}

function showHint() {
  let known = false;
  try {
    known = localStorage.getItem(KNOWN) !== null;
  } catch {
    // Storage is blocked: hint every time.
  }
  if (hint() && !known && narrow.matches && matchMedia("(pointer: coarse)").matches) hint().hidden = false;
}

export function watchSwipes() {
  if (!document.getElementById("feed")) return;
  showHint();
  document.addEventListener("pointerdown", begin);
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", release);
  document.addEventListener("pointercancel", (event) => event.pointerId === swipe?.id && end());
}
