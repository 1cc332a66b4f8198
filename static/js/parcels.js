// Fragments bring news for other places of the page in <template data-for="id">: notices, the feed's heading.
// hx-swap-oob would look for those places from the form that asked, which an earlier answer may have removed.
function deliver() {
  for (const parcel of document.querySelectorAll("template[data-for]")) {
    const place = document.getElementById(parcel.dataset.for);
    const arrivals = [...parcel.content.children];
    if ("replace" in parcel.dataset) place.replaceChildren(...arrivals);
    else place.append(...arrivals);
    arrivals.forEach((element) => htmx.process(element));
    parcel.remove();
  }
}

export function watchParcels() {
  document.addEventListener("htmx:afterSwap", deliver);
}
