import { staleNotice } from "./reader.js";

// Notices come from the server as HTML; here they are put away, and failures of the wire get a voice.
const narrow = matchMedia("(max-width: 40rem)");
const atMost = () => (narrow.matches ? 2 : 3);
const region = () => document.getElementById("toasts");

/** Take a notice off the page; where it had the focus, the button that it was about gets it, else the page. */
function remove(toast) {
  if (toast.contains(document.activeElement)) {
    const about = toast.querySelector("[hx-target]")?.getAttribute("hx-target") ?? "#main";
    const button = document.querySelector(`${about}:not(#main, #feed) button`);
    (button ?? document.getElementById("main")).focus({ preventScroll: true });
  }
  toast.remove();
}

function putAway(toast) {
  toast.classList.add("is-leaving");
  setTimeout(() => remove(toast), 250);
}

function dress(toast) {
  toast.dataset.dressed = "";
  htmx.process(toast); // htmx would get to it later, and a quick Undo would leave the page
  const close = toast.querySelector("[data-toast-close]");
  close.hidden = false;
  close.addEventListener("click", () => putAway(toast));
  const timer = toast.querySelector("[data-toast-timer]");
  if (!timer) return;
  timer.hidden = false; // the animation is the clock: hover and focus pause it in the style sheet
  timer.addEventListener("animationend", () => putAway(toast));
  toast.querySelector("form")?.addEventListener("htmx:beforeRequest", () => (toast.dataset.undoing = ""));
}

/** Put away the notices whose Undo was carried out: not before the answer is in place, for htmx finds its way by them. */
function putAwayUndone() {
  document.querySelectorAll("[data-toast][data-undoing]").forEach(putAway);
}

function keepForAnotherTry(event) {
  delete event.target.closest("[data-toast]")?.dataset.undoing;
}

/** Say what a notice is about: its sentence, and where its button leads. */
function subject(toast) {
  return `${toast.querySelector("[data-toast-text]").textContent} ${toast.querySelector("form")?.getAttribute("action")}`;
}

/** A button that was pressed twice is answered twice; the later notice is enough. */
function removeRepeated(toasts) {
  const last = new Map(toasts.map((toast) => [subject(toast), toast]));
  toasts.filter((toast) => last.get(subject(toast)) !== toast).forEach(remove);
  return [...last.values()].sort((one, other) => toasts.indexOf(one) - toasts.indexOf(other));
}

function tidy() {
  const toasts = removeRepeated([...region().querySelectorAll("[data-toast]")]);
  toasts.filter((toast) => !("dressed" in toast.dataset)).forEach(dress);
  toasts.slice(0, -atMost()).forEach(remove);
}

function say(text) {
  const toast = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  toast.querySelector("[data-toast-text]").textContent = text;
  region().append(toast);
}

/** Return the sentence an error answer holds, be it a page of ours or plain text. */
function sentenceOf(request) {
  const fallback = `The site answered with an error (${request.status}). Nothing was changed; try again.`;
  const type = request.getResponseHeader("Content-Type") ?? "";
  if (!type.includes("html")) return request.responseText.trim().slice(0, 300) || fallback;
  const page = new DOMParser().parseFromString(request.responseText, "text/html");
  const text = page.querySelector("[data-error], [data-toast-text]") ?? page.querySelector("main p, body p, h1");
  return text?.textContent.trim() || fallback;
}

/** Say what went wrong; a form of a stale page is shown again, or sent again by itself. */
function complain(detail) {
  const stale = staleNotice(detail);
  if (stale === null) say(sentenceOf(detail.xhr));
  else if (stale) region().append(stale);
}

export function watchToasts() {
  tidy();
  new MutationObserver(tidy).observe(region(), { childList: true });
  document.addEventListener("htmx:afterSettle", putAwayUndone);
  document.addEventListener("htmx:responseError", keepForAnotherTry);
  document.addEventListener("htmx:sendError", keepForAnotherTry);
  document.addEventListener("htmx:responseError", ({ detail }) => complain(detail));
  document.addEventListener("htmx:sendError", () => say("The site cannot be reached. Check your connection and try again."));
  document.addEventListener("htmx:timeout", () => say("The answer took too long. Try again."));
}
