// A plain form is sent once: its buttons rest until the answer is there. HTMX sees to its own forms.
const PATIENCE = 10_000; // milliseconds, after which a press counts again: the connection may have been lost
const resting = new Set();

function wake(button) {
  button.disabled = false;
  resting.delete(button);
}

function rest(form) {
  for (const button of form.elements) {
    if (button.type !== "submit" || button.disabled) continue;
    button.autocomplete = "off"; // else Firefox keeps it at rest when the page is loaded again
    button.disabled = true;
    resting.add(button);
    setTimeout(wake, PATIENCE, button);
  }
}

function onSubmit(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.target) return;
  if ("sent" in form.dataset) return event.preventDefault();
  form.dataset.sent = "";
  setTimeout(() => delete form.dataset.sent, PATIENCE);
  setTimeout(rest, 0, form); // not before the form is read: a button at rest sends no value
}

/** Going back finds the page as it was left: with its buttons at rest. */
function onShow() {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  resting.forEach(wake);
}

export function watchSubmits() {
  addEventListener("submit", onSubmit); // on the window, after everybody who may prevent it
  addEventListener("pageshow", onShow);
}
