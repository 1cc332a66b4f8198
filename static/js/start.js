// A favourite may be picked before the search has answered: go on with what is typed, not with what was shown.
function keepQuery({ detail }) {
  if (detail.verb !== "post" || detail.target?.id !== "start") return;
  const next = new URL(detail.parameters.next, location.href);
  next.searchParams.set("q", document.getElementById("q").value);
  detail.parameters.next = next.pathname + next.search;
}

export function watchStart() {
  document.addEventListener("htmx:configRequest", keepQuery);
}
