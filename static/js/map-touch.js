// What the zoom plugin does not get right under fingers.
export const THRESHOLD = 6; // pixels that a finger may move in a tap

/** Tell of clicks on `canvas`. The plugin would keep a tap to itself after a finger has moved the sky. */
export function watchClicks(canvas, onClick) {
  let pressed;
  canvas.addEventListener("pointerdown", ({ clientX, clientY }) => (pressed = { clientX, clientY }));
  canvas.addEventListener("click", (event) => {
    if (!pressed || Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) > THRESHOLD) return;
    onClick(event);
  });
}

let spans = {};

/** Fingers that part along one axis zoom only that one: let the other follow, or the sky is stretched. */
export function keepShape({ chart, trigger }) {
  const { x, y } = chart.scales;
  const now = { x: x.max - x.min, y: y.max - y.min };
  if (trigger === "pinch" && Math.abs(now.x - now.y) > 0.001) {
    const [from, to] = now.y === spans.y ? ["x", "y"] : ["y", "x"];
    const middle = (chart.scales[to].min + chart.scales[to].max) / 2;
    now[to] = now[from];
    chart.zoomScale(to, { min: middle - now[to] / 2, max: middle + now[to] / 2 });
  }
  spans = now;
}
