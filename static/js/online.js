// The charts of the online figures: a line for each checkpoint, a whisker for each interval.
const { days, series } = JSON.parse(document.getElementById("online-figures")?.textContent ?? '{"series": []}');
const SHAPES = ["circle", "rect", "triangle", "rectRot", "rectRounded", "crossRot"];
const percent = (value, digits) => `${(100 * value).toFixed(digits)} %`;
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const probe = document.body.appendChild(Object.assign(document.createElement("span"), { hidden: true }));

/** Return a colour as the theme has it now: the variable itself says both. */
function colour(name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

/** Stand points of one day beside one another, so that their whiskers can be told apart. */
const beside = (index) => (index - (series.length - 1) / 2) * 0.1;

const whiskers = {
  id: "whiskers",
  beforeDatasetsDraw(chart) {
    const { ctx, scales } = chart;
    for (const { index, visible } of chart.getSortedVisibleDatasetMetas()) {
      const { data, borderColor } = chart.data.datasets[index];
      if (!visible) continue;
      ctx.save();
      ctx.strokeStyle = borderColor;
      ctx.globalAlpha = 0.45;
      ctx.lineWidth = 2;
      for (const { x, low, high } of data) {
        if (low === undefined) continue;
        ctx.beginPath();
        ctx.moveTo(scales.x.getPixelForValue(x), scales.y.getPixelForValue(low));
        ctx.lineTo(scales.x.getPixelForValue(x), scales.y.getPixelForValue(high));
        ctx.stroke();
      }
      ctx.restore();
    }
  },
};

function dataset({ name, points }, index, figure) {
  const colour = token(`--online-${index + 1}`);
  return {
    label: name,
    data: points.map(({ day, impressions, [figure]: { value, low, high } }) => ({
      x: day + beside(index), y: value, low, high, impressions,
    })),
    borderColor: colour,
    backgroundColor: colour,
    borderWidth: 2,
    pointStyle: SHAPES[index],
    pointRadius: 4,
    pointHoverRadius: 6,
  };
}

function describe({ dataset: { label }, raw: { y, low, high, impressions } }) {
  const interval = low === undefined ? "" : ` (${percent(low, 1)} to ${percent(high, 1)})`;
  return `${label}: ${percent(y, 1)}${interval}, ${impressions.toLocaleString("en")} impressions`;
}

/** Leave room for the longest whisker: the library scales by the points alone. */
function ceiling(figure) {
  const tops = series.flatMap(({ points }) => points.map(({ [figure]: { value, high } }) => high ?? value));
  return Math.min(1, Math.max(0.01, ...tops) * 1.05);
}

function draw(canvas) {
  const { figure } = canvas.dataset;
  const grid = { color: colour("--hairline-color") };
  const color = colour("--body-quiet-color");
  const top = ceiling(figure);
  return new Chart(canvas, {
    type: "line",
    data: { datasets: series.map((one, index) => dataset(one, index, figure)) },
    plugins: [whiskers],
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "nearest", intersect: false },
      scales: {
        x: {
          type: "linear", min: -0.5, max: days.length - 0.5, grid: { display: false },
          afterBuildTicks: (axis) => { axis.ticks = days.map((_, value) => ({ value })); },
          ticks: { color, maxRotation: 0, autoSkipPadding: 12, callback: (value) => days[value] },
        },
        y: {
          beginAtZero: true, suggestedMax: top, grid, border: { display: false },
          ticks: { color, maxTicksLimit: 6, callback: (value) => percent(value, top < 0.05 ? 1 : 0) },
        },
      },
      plugins: {
        legend: { position: "bottom", labels: { color, usePointStyle: true, boxHeight: 7, padding: 12 } },
        tooltip: {
          usePointStyle: true,
          callbacks: { title: ([{ parsed }]) => days[Math.round(parsed.x)], label: describe },
        },
      },
    },
  });
}

let charts = [];

function redraw() {
  Chart.defaults.font.family = token("--font-family-primary");
  for (const chart of charts) chart.destroy();
  charts = [...document.querySelectorAll("[data-figure]")].map(draw);
}

const place = document.querySelector(".online__charts");
if (place) {
  place.hidden = false;
  redraw();
  // The admin's own switch and the system's: colours come from both.
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
