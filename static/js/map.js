import { watchSelection } from "./map-select.js";
import { keepShape, THRESHOLD, watchClicks } from "./map-touch.js";

// The map: points on a canvas that Chart.js draws and its zoom plugin moves; the reader's own marks above them.
const root = document.getElementById("map");
const marks = JSON.parse(document.getElementById("map-marks")?.textContent ?? "[]");
const field = (id) => document.getElementById(id);
const address = (name, id) => root.dataset[name].replace("/0/", `/${id}/`);
let points, places, sky, selection, chosen, causes = [];

/** Resolve a token of the style sheet for the theme that rules now. */
function colour(name) {
  const probe = root.appendChild(document.createElement("i"));
  probe.style.color = `var(${name})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const faded = (color, share) => `color-mix(in srgb, ${color} ${Math.round(share * 100)}%, transparent)`;
const at = (index) => ({ x: points[field("map-layout").value][index][0], y: points[field("map-layout").value][index][1], index });

/** The seven genres that most titles have, each title painted by its rarest of them: "Comedy" says little. */
function genreShades() {
  const counts = {};
  points.genres.flat().forEach((name) => (counts[name] = (counts[name] ?? 0) + 1));
  const named = Object.keys(counts).sort((a, b) => counts[b] - counts[a]).slice(0, 7);
  const shade = Object.fromEntries(named.map((name, place) => [name, colour(`--star-${place + 1}`)]));
  const other = colour("--star-other");
  const rarest = (own) => own.filter((name) => name in shade).sort((a, b) => counts[a] - counts[b])[0];
  return {
    legend: [...named.map((name) => [name, shade[name]]), ["Others", other]],
    of: (index) => shade[rarest(points.genres[index])] ?? other,
  };
}

function scaleShades(values, digits) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  const [low, high] = [known[Math.floor(known.length * 0.05)], known[Math.floor(known.length * 0.95)]];
  const [from, to, other] = [colour("--star-low"), colour("--star-high"), colour("--star-other")];
  const mixed = (share) => `color-mix(in oklab, ${to} ${Math.round(100 * share)}%, ${from})`;
  const share = (value) => Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
  return {
    legend: [[low.toFixed(digits), mixed(0)], [((low + high) / 2).toFixed(digits), mixed(0.5)], [high.toFixed(digits), mixed(1)]],
    of: (index) => (values[index] === null ? faded(other, 0.4) : mixed(share(values[index]))),
  };
}

const shades = {
  genre: genreShades,
  year: () => scaleShades(points.years, 0),
  score: () => scaleShades(points.scores, 1),
};

function showLegend(legend) {
  const swatch = ([name, color]) => {
    const row = document.createElement("li");
    row.innerHTML = '<svg viewBox="0 0 8 8" aria-hidden="true"><circle cx="4" cy="4" r="4"/></svg>';
    row.querySelector("circle").style.fill = color;
    row.append(name);
    return row;
  };
  field("map-legend").replaceChildren(...legend.map(swatch));
}

/** A soft light behind each of the reader's loves. */
const glow = {
  id: "glow",
  beforeDatasetDraw(chart, { index }) {
    if (chart.data.datasets[index].id !== "marks") return;
    const { ctx } = chart;
    const { data } = chart.getDatasetMeta(index);
    data.forEach((element, place) => {
      if (chart.data.datasets[index].data[place].said !== "Loved") return;
      const light = ctx.createRadialGradient(element.x, element.y, 0, element.x, element.y, 22);
      light.addColorStop(0, faded(colour("--star-glow"), 0.7));
      light.addColorStop(1, faded(colour("--star-glow"), 0.01));
      ctx.fillStyle = light;
      ctx.fillRect(element.x - 22, element.y - 22, 44, 44);
    });
  },
};

function datasets() {
  const { legend, of } = shades[field("map-colour").value]();
  showLegend(legend);
  const mine = marks.filter(({ id }) => places.has(id)).map((mark) => ({ ...at(places.get(mark.id)), ...mark }));
  const tone = { Loved: colour("--seal-text"), Liked: colour("--leaf"), Disliked: colour("--ash") };
  const lines = chosen === undefined ? [] : causes.filter((id) => places.has(id)).flatMap((id) => [at(chosen), at(places.get(id)), { x: NaN, y: NaN }]);
  return [
    { id: "marks", data: mine, pointRadius: 6, pointHoverRadius: 8, pointStyle: mine.map(({ said }) => (said === "Disliked" ? "crossRot" : "circle")), backgroundColor: mine.map(({ said }) => tone[said]), borderColor: mine.map(({ said }) => (said === "Disliked" ? tone[said] : colour("--raised"))), borderWidth: 2 },
    { id: "chosen", data: chosen === undefined ? [] : [at(chosen)], pointRadius: 8, backgroundColor: "transparent", borderColor: colour("--ink"), borderWidth: 2.5 },
    { id: "causes", type: "line", data: lines, pointRadius: 0, borderColor: colour("--gold"), borderWidth: 3, spanGaps: false },
    { id: "path", type: "line", data: mine, pointRadius: 0, pointHitRadius: 0, borderColor: faded(colour("--ink"), 0.35), borderWidth: 1.5, borderDash: [3, 5], tension: 0.25 },
    { id: "titles", data: points.ids.map((_, index) => at(index)), pointRadius: innerWidth < 640 ? 2 : 2.6, pointHoverRadius: 6, backgroundColor: points.ids.map((_, index) => faded(of(index), 0.75)), borderWidth: 0 },
  ];
}

/** Say what stands in a rectangle of the view, and offer to steer the feed there. */
function showRegion({ left, top, right, bottom }) {
  const { x, y } = sky.scales;
  const [from, to] = [{ x: x.getValueForPixel(left), y: y.getValueForPixel(bottom) }, { x: x.getValueForPixel(right), y: y.getValueForPixel(top) }];
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const far = (point) => Math.hypot(point.x - middle.x, point.y - middle.y);
  const inside = points.ids.map((_, index) => at(index)).filter((point) => point.x >= from.x && point.x <= to.x && point.y >= from.y && point.y <= to.y);
  const names = inside.sort((one, other) => far(one) - far(other)).slice(0, 3).map(({ index }) => points.names[index]);
  if (!inside.length) return field("map-title").replaceChildren(paragraph("Nothing stands there. Draw a larger rectangle."));
  const box = [from.x, from.y, to.x, to.y].map((value) => value.toFixed(4));
  const go = link("Show me these", `${root.dataset.region}?layout=${field("map-layout").value}&box=${box}`);
  go.className = "button button--small button--primary";
  field("map-title").replaceChildren(paragraph(`${inside.length} ${inside.length === 1 ? "title" : "titles"} selected`), go, paragraph(`In the middle ${names.join(", ")}. Draw another rectangle, or move the sky under this one.`));
}

/** The feed, steered for this visit to what is like one title. */
const like = (index) => `${root.dataset.feed}?like=${points.ids[index]}`;

function paragraph(...parts) {
  const line = document.createElement("p");
  line.append(...parts);
  return line;
}

function link(text, href) {
  const anchor = document.createElement("a");
  anchor.href = href;
  anchor.textContent = text;
  return anchor;
}

/** Say which title was chosen, and draw lines to those of the reader's that raise it. */
async function choose(index) {
  chosen = index;
  causes = [];
  const id = points.ids[index];
  const facts = [points.years[index], points.scores[index]?.toFixed(2), points.genres[index].slice(0, 4).join(", ")];
  const said = marks.find((mark) => mark.id === id);
  const words = paragraph(said ? `${said.said} on ${said.when}. ` : "", facts.filter(Boolean).join(" · "));
  field("map-title").replaceChildren(paragraph(points.names[index]), words, paragraph(link("Open it", address("title", id)), link("Why?", address("why", id)), link("More like this tonight", like(index))));
  redraw();
  const answer = await fetch(address("causes", id)).catch(() => null);
  if (!answer?.ok || chosen !== index) return;
  ({ causes } = await answer.json());
  const names = causes.map((cause) => points.names[places.get(cause)]).filter(Boolean);
  if (names.length) words.append(`. Pulled towards you by ${names.join(" and ")}.`);
  redraw();
}

/** A name that fits beside its star on a phone. */
function short(index) {
  const name = points.names[index];
  return name.length > 36 ? `${name.slice(0, 35)}…` : name;
}

/** Go to a title by its name, for who would rather type than look. */
function find({ target }) {
  const wanted = target.value.trim().toLowerCase();
  const index = points.names.findIndex((name) => name.toLowerCase().startsWith(wanted));
  if (!wanted) return;
  if (index < 0) return field("map-title").replaceChildren(paragraph(`No title on the map begins with “${target.value.trim()}”. Only the best-known stand here: `, link("search all titles", `${root.dataset.search}?q=${encodeURIComponent(target.value.trim())}`)));
  const { x, y } = at(index);
  sky.zoomScale("x", { min: x - 0.3, max: x + 0.3 });
  sky.zoomScale("y", { min: y - 0.3, max: y + 0.3 });
  choose(index);
}

function redraw() {
  sky.data.datasets = datasets();
  sky.update("none");
}

/** Choose the star nearest to where somebody clicked. */
function chooseAt(event) {
  const [hit] = sky.getElementsAtEventForMode(event, "nearest", { intersect: false }, true)
    .map(({ datasetIndex, index }) => sky.data.datasets[datasetIndex].data[index]).filter(({ index }) => index !== undefined);
  if (hit) choose(hit.index);
}

const bare = { x: { display: false, min: -1.08, max: 1.08 }, y: { display: false, min: -1.08, max: 1.08 } };

function draw() {
  sky = new Chart(field("map-sky"), {
    type: "scatter",
    data: { datasets: datasets() },
    plugins: [glow],
    options: {
      animation: false,
      maintainAspectRatio: false,
      scales: structuredClone(bare),
      interaction: { mode: "nearest", intersect: true },
      plugins: {
        legend: { display: false },
        tooltip: {
          displayColors: false,
          padding: 10,
          filter: ({ raw }, place) => place === 0 && raw.index !== undefined,
          callbacks: { label: ({ raw }) => (raw.said ? `${raw.said}: ${short(raw.index)}` : short(raw.index)) },
        },
        zoom: {
          limits: { x: { min: -1.6, max: 1.6, minRange: 0.08 }, y: { min: -1.6, max: 1.6, minRange: 0.08 } },
          pan: { enabled: true, threshold: THRESHOLD },
          zoom: { wheel: { enabled: true }, pinch: { enabled: true }, mode: "xy", onZoom: keepShape },
        },
      },
    },
  });
}

/** A small drawing: named points, or a way from the oldest to the newest. */
function drawSmall(canvas, data, names) {
  if (!canvas) return;
  const ink = colour("--ink");
  const labels = {
    id: "labels",
    afterDatasetsDraw(chart) {
      const { ctx } = chart;
      ctx.fillStyle = ink;
      ctx.font = `600 13px ${getComputedStyle(document.body).fontFamily}`;
      chart.getDatasetMeta(0).data.forEach(({ x, y }, place) => {
        const left = x > chart.width / 2;
        ctx.textAlign = left ? "right" : "left";
        if (names[place]) ctx.fillText(names[place], x + (left ? -12 : 12), y + 4);
      });
    },
  };
  return new Chart(canvas, {
    type: "scatter",
    data: { datasets: [{ data, showLine: !names.every(Boolean), pointRadius: 5, backgroundColor: colour("--seal-text"), borderColor: colour("--line-strong") }] },
    plugins: [labels],
    options: { animation: false, maintainAspectRatio: false, events: [], layout: { padding: 18 }, scales: structuredClone(bare), plugins: { legend: { display: false }, tooltip: { enabled: false } } },
  });
}

let small = [];
function drawContexts() {
  small.forEach((chart) => chart?.destroy());
  const pair = ([x, y]) => ({ x, y });
  const ends = points.times.map((_, place) => (place === 0 ? "Oldest" : place === points.times.length - 1 ? "Newest" : ""));
  small = [drawSmall(field("map-feedback"), Object.values(points.feedback).map(pair), Object.keys(points.feedback)), drawSmall(field("map-times"), points.times.map(pair), ends)];
}

function zoom({ currentTarget: { dataset } }) {
  if (dataset.zoom === "reset") sky.resetZoom();
  else sky.zoom(Number(dataset.zoom));
  selection.report();
}

const STEP = 80; // pixels that an arrow key moves the sky
const MOVES = { ArrowLeft: { x: STEP }, ArrowRight: { x: -STEP }, ArrowUp: { y: STEP }, ArrowDown: { y: -STEP } };
const ZOOMS = { "+": 1.6, "=": 1.6, "-": 0.625 };

function move(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in MOVES) sky.pan(MOVES[event.key], undefined, "none");
  else if (event.key in ZOOMS) sky.zoom(ZOOMS[event.key]);
  else return;
  event.preventDefault();
  event.stopPropagation(); // elsewhere the arrows go from card to card
  selection.report();
}

function useOurType() {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 14;
}

async function begin() {
  const answer = await fetch(root.dataset.points).catch(() => null);
  if (!answer?.ok) return root.remove(); // the regions and the table say it in words
  points = await answer.json();
  places = new Map(points.ids.map((id, index) => [id, index]));
  root.classList.remove("is-coming");
  for (const facts of ["year", "score"]) {
    if (points[`${facts}s`].every((fact) => fact === null)) root.querySelector(`option[value="${facts}"]`).remove();
  }
  useOurType();
  draw();
  drawContexts();
  watchClicks(field("map-sky"), chooseAt);
  selection = watchSelection({ button: field("map-select"), overlay: field("map-overlay"), box: field("map-box"), onChange: showRegion });
  for (const id of ["map-layout", "map-colour"]) field(id).addEventListener("change", () => (redraw(), selection.report()));
  field("map-find").addEventListener("change", find);
  field("map-frame").addEventListener("keydown", move);
  for (const button of root.querySelectorAll("[data-zoom]")) button.addEventListener("click", zoom);
  const repaint = () => (redraw(), drawContexts());
  new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
}

if (root) begin();
