// Who this page was made for. Where it is somebody else by now (a log-in in another tab, a session that ended), the page
// is loaded again before it shows or mixes what is another's; a form is asked about first, unless it is the same person.
const body = document.body;
const mine = () => body.dataset.reader;
const personOf = (reader) => reader.split("-").pop();
const isSame = (reader) => personOf(reader) === personOf(mine());
const secret = () => document.cookie.split("; ").find((each) => each.startsWith("csrftoken="));
const secretAtFirst = secret();

/** A visitor's first reaction makes a guest: the page is theirs from now on. */
function become(reader) {
  body.dataset.reader = reader;
  body.setAttribute("hx-headers", JSON.stringify({ "X-Reader": reader }));
}

function leave() {
  document.documentElement.hidden = true; // what is another's must not be read meanwhile
  location.reload();
}

/** Look at each answer before it is swapped in. */
function check(event) {
  const reader = event.detail.xhr.getResponseHeader("X-Reader");
  if (reader === null || event.detail.isError || isSame(reader)) return;
  if (mine() === "" && reader.startsWith("guest-")) return become(reader);
  event.preventDefault();
  leave();
}

/** The page comes out of the browser's memory: whoever reads it now may be another. */
async function checkAgain({ persisted }) {
  if (!persisted) return;
  if (secret() !== secretAtFirst) return leave(); // it changes with every log-in and log-out
  const answer = await fetch(body.dataset.readerUrl, { method: "HEAD", headers: { "X-Reader": mine() }, cache: "no-store" }).catch(() => null);
  const reader = answer?.headers.get("X-Reader") ?? mine();
  if (!isSame(reader)) leave();
}

/** Give all forms of the page the token of now, and send the one that was refused again. */
function sendAgain(form, token, event) {
  for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = token;
  form.dataset.sentAgain = "";
  form.requestSubmit(event?.submitter ?? undefined);
}

/** Deal with a form that came from a stale page; return the notice to show, if any. */
export function staleNotice({ xhr, elt, requestConfig }) {
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const notice = page.querySelector("[data-stale]");
  if (!notice) return null;
  const form = elt.closest("form");
  const token = notice.querySelector("input[name=csrfmiddlewaretoken]").value;
  if (!form || !isSame(notice.dataset.reader) || "sentAgain" in form.dataset) return document.importNode(notice, true);
  sendAgain(form, token, requestConfig?.triggeringEvent);
  return undefined;
}

export function watchReader() {
  if (mine() === undefined) return;
  document.addEventListener("htmx:beforeSwap", check);
  document.addEventListener("htmx:afterRequest", ({ detail, target }) => {
    if (detail.successful) delete target.dataset?.sentAgain;
  });
  addEventListener("pageshow", checkAgain);
}
