// The controls above the feed: HTMX sends the form as it changes; what is left is to say what a slider stands
// on, to let no genre be wanted and unwanted at once, and to put the panel away.
const form = () => document.getElementById("tune");

function name(slider) {
  const output = form().querySelector(`output[for="${slider.id}"]`);
  output.value = output.dataset.steps.split("|")[Number(slider.value)];
  slider.setAttribute("aria-valuetext", output.value);
}

function exclude(box) {
  if (!box.checked) return;
  const other = box.name === "in" ? "out" : "in";
  for (const each of form().elements[other]) if (each.value === box.value) each.checked = false;
}

export function watchTune() {
  if (!form()) return;
  form().querySelectorAll("input[type=range]").forEach(name);
  document.addEventListener("input", ({ target }) => {
    if (target.form !== form()) return;
    if (target.type === "range") name(target);
    if (target.name === "in" || target.name === "out") exclude(target);
  });
  document.addEventListener("submit", ({ target }) => {
    if (target === form()) target.closest("details").open = false;
  });
}
