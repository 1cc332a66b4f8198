// The dashboard's one chart: what was said on each day, by what it was.
const rows = JSON.parse(document.getElementById("days")?.textContent ?? "[]");
const canvas = document.querySelector("[data-days]");
const probe = document.body.appendChild(Object.assign(document.createElement("span"), { hidden: true }));
let chart;

/** Return a colour as the theme has it now: the variable itself says both. */
function colour(name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

function draw() {
  const text = colour("--ink-soft");
  const bars = [["Loved", "loves", "--seal"], ["Liked", "likes", "--leaf"], ["Disliked", "dislikes", "--ash"]];
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  chart?.destroy();
  chart = new Chart(canvas, {
    type: "bar",
    data: {
      labels: rows.map((row) => row.day),
      datasets: bars.map(([label, name, variable]) => (
        { label, data: rows.map((row) => row[name]), backgroundColor: colour(variable), borderRadius: 2 }
      )),
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      scales: {
        x: { stacked: true, grid: { display: false }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 12 } },
        y: { stacked: true, beginAtZero: true, grid: { color: colour("--line") }, border: { display: false }, ticks: { color: text, maxTicksLimit: 6, precision: 0 } },
      },
      plugins: { legend: { position: "bottom", labels: { color: text, boxWidth: 12, boxHeight: 12, padding: 12 } } },
    },
  });
}

if (canvas && rows.some((row) => row.loves + row.likes + row.dislikes)) {
  canvas.closest("[hidden]").hidden = false;
  draw();
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
