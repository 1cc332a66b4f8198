// What a screen reader cannot see: how the list changed after an answer. What was done, the notices say themselves.
const nameOf = (card) => card.querySelector(".card__title").textContent.trim();

/** Put into words how the cards changed, given their ids before. */
export function newsOf(before, cards) {
  const arrived = cards.filter((card) => !before.includes(card.dataset.card)).length;
  const first = cards[0];
  if (!first) return "The list is empty.";
  const leads = first.dataset.card === before[0] ? "The first card is still" : "The first card is now";
  return `List redrawn: ${arrived} new of ${cards.length}. ${leads} ${nameOf(first)}.`;
}

export function announce(text) {
  const place = document.getElementById("feed-news");
  if (place) place.textContent = text;
}
