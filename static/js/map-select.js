// A rectangle over the map, drawn with a finger or the mouse; without drawing it is the middle of the view.
const LEAST = 12; // pixels: less is a tap and draws nothing

/** Let `button` switch selecting on and off, and tell `onChange` the rectangle's sides whenever it changes. */
export function watchSelection({ button, overlay, box, onChange }) {
  let frame, from;

  function show(sides) {
    frame = sides;
    Object.assign(box.style, {
      left: `${sides.left}px`,
      top: `${sides.top}px`,
      width: `${sides.right - sides.left}px`,
      height: `${sides.bottom - sides.top}px`,
    });
  }

  const report = () => overlay.hidden || onChange(frame);

  function toggle(on) {
    overlay.hidden = !on;
    button.setAttribute("aria-pressed", on);
    if (!on) return;
    const { clientWidth: width, clientHeight: height } = overlay;
    show({ left: width * 0.35, right: width * 0.65, top: height * 0.35, bottom: height * 0.65 });
    report();
  }

  function place({ clientX, clientY }) {
    const { left, top, width, height } = overlay.getBoundingClientRect();
    return { x: Math.min(Math.max(clientX - left, 0), width), y: Math.min(Math.max(clientY - top, 0), height) };
  }

  function draw(event) {
    if (!from) return;
    const to = place(event);
    if (Math.hypot(to.x - from.x, to.y - from.y) < LEAST) return;
    show({ left: Math.min(from.x, to.x), right: Math.max(from.x, to.x), top: Math.min(from.y, to.y), bottom: Math.max(from.y, to.y) });
  }

  button.addEventListener("click", () => toggle(overlay.hidden));
  document.addEventListener("keydown", ({ key }) => key === "Escape" && !overlay.hidden && toggle(false));
  overlay.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button) return;
    overlay.setPointerCapture(event.pointerId);
    from = place(event);
  });
  overlay.addEventListener("pointermove", draw);
  overlay.addEventListener("pointercancel", () => (from = undefined));
  overlay.addEventListener("pointerup", (event) => {
    draw(event);
    from = undefined;
    report();
  });
  return { report };
}
