// The map of a run or of a result: tiles of the desk, the run's own layers, a cell looked at.
import { defaults as controls } from "ol/control/defaults.js";
import ScaleLine from "ol/control/ScaleLine.js";
import GeoJSON from "ol/format/GeoJSON.js";
import TileLayer from "ol/layer/Tile.js";
import VectorLayer from "ol/layer/Vector.js";
import OlMap from "ol/Map.js";
import { toLonLat, transformExtent } from "ol/proj.js";
import { getRenderPixel } from "ol/render.js";
import VectorSource from "ol/source/Vector.js";
import XYZ from "ol/source/XYZ.js";
import View from "ol/View.js";

import { call, make, showRefusal, word } from "./api.js";
import { areaStyle, styleOf, taskStyle } from "./styles.js";

const format = new GeoJSON({ featureProjection: "EPSG:3857", dataProjection: "EPSG:4326" });
const DEGREES = 5;
// Lines that would cover the map are drawn from a zoom on: so many of them, and from that zoom.
const MANY_LINES = 150;
const NEAR_ZOOM = 10;

export function startMap(box) {
  const facts = JSON.parse(box.dataset.map);
  const extent = transformExtent(facts.extent, "EPSG:4326", "EPSG:3857");
  const target = box.querySelector(".map");
  const map = new OlMap({
    target,
    controls: controls({
      attribution: false,
      rotate: false,
      zoomOptions: { zoomInTipLabel: word("zoom_in"), zoomOutTipLabel: word("zoom_out"), zoomOutLabel: "–" },
    }).extend([new ScaleLine({ units: "metric" })]),
    view: new View({ center: middle(extent), zoom: 9, maxZoom: 18, minZoom: 3, enableRotation: false }),
    layers: [],
  });
  const drawn = { map, box, facts, extent, problem: box.parentElement.querySelector("[data-map-problem]") };
  drawn.risk = facts.maps.map((item) => tiles(drawn, item.name, 1, item.tiles));
  for (const layer of drawn.risk) map.addLayer(layer);
  drawn.unknown = facts.unknown ? tiles(drawn, "unknown", 2) : null;
  if (drawn.unknown) map.addLayer(drawn.unknown);
  if (facts.shade) map.addLayer(tiles(drawn, "shade", 3));
  for (const item of facts.layers) addLayer(drawn, item);
  if (facts.outline) addShapes(drawn, facts.outline);
  if (facts.tasks) addTasks(drawn);
  startMaps(drawn);
  startPlaces(drawn);
  fit(drawn);
  return drawn;
}

const middle = ([left, bottom, right, top]) => [(left + right) / 2, (bottom + top) / 2];

function tiles(drawn, name, zIndex, own) {
  const from = own ?? `${drawn.facts.tiles}/${name}`;
  const source = new XYZ({ url: `${from}/{z}/{x}/{y}.png`, maxZoom: 16, interpolate: false, transition: 0 });
  source.on("tileloaderror", () => explain(drawn, from));
  return new TileLayer({ source, extent: drawn.extent, zIndex, className: `tiles-${name}`, properties: { name } });
}

// A tile that does not come is looked at once: the run may have been withdrawn meanwhile.
async function explain(drawn, from) {
  if (drawn.explained) return;
  drawn.explained = true;
  try {
    await call("GET", from);
    drawn.explained = false;
  } catch (refusal) {
    if (refusal.status === 410 || refusal.status === 403 || refusal.status === 409) {
      drawn.box.classList.add("gone");
    }
    if (drawn.problem) showRefusal(drawn.problem, refusal);
  }
}

function addLayer(drawn, { name, role, url, shown }) {
  const source = new VectorSource();
  const layer = new VectorLayer({ source, style: styleOf(role), zIndex: 10, visible: false, declutter: role === "places" });
  drawn.map.addLayer(layer);
  const tick = document.querySelector(`[data-layer="${CSS.escape(name)}"]`);
  let asked = false;
  const show = async () => {
    const wanted = tick ? tick.checked : shown;
    layer.setVisible(wanted);
    if (!wanted || asked) return;
    asked = true;
    try {
      source.addFeatures(format.readFeatures(await call("GET", url)));
      if (["water", "roads"].includes(role) && source.getFeatures().length > MANY_LINES) showNear(layer, tick);
    } catch (refusal) {
      asked = false;
      if (drawn.problem) showRefusal(drawn.problem, refusal);
    }
  };
  tick?.addEventListener("change", show);
  show();
}

function showNear(layer, tick) {
  layer.setMinZoom(NEAR_ZOOM);
  tick?.labels[0].append(make("span", { className: "hint", textContent: word("from_near") }));
}

export function addShapes(drawn, geojson) {
  const source = new VectorSource({ features: format.readFeatures(geojson) });
  drawn.map.addLayer(new VectorLayer({ source, style: areaStyle, zIndex: 11 }));
  return source;
}

function addTasks(drawn) {
  const source = new VectorSource();
  let chosen = "";
  const layer = new VectorLayer({ source, style: taskStyle(() => chosen), zIndex: 12, declutter: true });
  drawn.map.addLayer(layer);
  call("GET", drawn.facts.tasks)
    .then((found) => source.addFeatures(format.readFeatures(found)))
    .catch((refusal) => drawn.problem && showRefusal(drawn.problem, refusal));
  drawn.choose = (task, move) => {
    chosen = task;
    layer.changed();
    for (const card of document.querySelectorAll("[data-task]")) {
      if (card.dataset.task === task) {
        card.setAttribute("aria-current", "true");
        if (!move && window.matchMedia("(min-width: 60.01rem)").matches) card.scrollIntoView({ block: "nearest" });
      } else card.removeAttribute("aria-current");
    }
    const found = source.getFeatures().find((feature) => feature.get("task") === task);
    if (move && found) {
      drawn.map.getView().fit(found.getGeometry().getExtent(), { padding: [60, 60, 60, 60], maxZoom: 13 });
      drawn.box.scrollIntoView({ block: "nearest" });
    }
  };
  drawn.taskAt = (pixel) =>
    drawn.map.forEachFeatureAtPixel(pixel, (feature) => feature.get("task"), { layerFilter: (one) => one === layer });
  for (const button of document.querySelectorAll("[data-show-task]")) {
    button.addEventListener("click", () => drawn.choose(button.dataset.showTask, true));
  }
}

// One map at a time, or two with a swipe between them; the choice is kept in the address.
function startMaps(drawn) {
  const left = document.querySelector("[data-left], [data-left-outside]");
  const right = drawn.box.querySelector("[data-right]");
  const slider = drawn.box.querySelector("[data-swipe]");
  const state = readState();
  if (left && state.left) left.value = state.left;
  if (right && state.right) right.value = state.right;
  if (slider && state.at) slider.value = state.at;
  const show = () => {
    const names = [left?.value ?? drawn.facts.maps[0].name, right?.value ?? ""];
    for (const layer of drawn.risk) {
      layer.setVisible(names.includes(layer.get("name")));
      layer.setZIndex(layer.get("name") === names[1] && names[0] !== names[1] ? 1.5 : 1);
    }
    drawn.unknown?.setVisible(names.some((name) => name !== "dissimilarity"));
    for (const legend of document.querySelectorAll("[data-legend]")) {
      legend.hidden = !names.includes(legend.dataset.legend);
    }
    writeState({ left: left?.value, right: right?.value, at: slider?.value });
    drawn.map.render();
  };
  for (const part of [left, right]) part?.addEventListener("change", show);
  slider?.addEventListener("input", () => drawn.map.render());
  slider?.addEventListener("change", show);
  for (const layer of drawn.risk) {
    layer.on("prerender", (event) => clip(drawn, event, left, right, slider));
    layer.on("postrender", (event) => event.context.restore());
  }
  drawn.map.on("moveend", () => {
    const view = drawn.map.getView();
    const [lon, lat] = toLonLat(view.getCenter());
    writeState({ at_map: `${view.getZoom().toFixed(2)}/${lat.toFixed(DEGREES)}/${lon.toFixed(DEGREES)}` });
  });
  show();
}

function clip(drawn, event, left, right, slider) {
  const { context, target } = event;
  context.save();
  if (!slider || !right?.value || left.value === right.value) return;
  const [width, height] = drawn.map.getSize();
  const at = (width * Number(slider.value)) / 100;
  const [from, to] = target.get("name") === right.value ? [at, width] : [0, at];
  const corners = [[from, 0], [to, 0], [to, height], [from, height]].map((place) => getRenderPixel(event, place));
  context.beginPath();
  corners.forEach(([x, y], place) => (place ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.closePath();
  context.clip();
}

function readState() {
  return Object.fromEntries(new URLSearchParams(window.location.hash.slice(1)));
}

function writeState(changes) {
  const state = new URLSearchParams(window.location.hash.slice(1));
  for (const [name, value] of Object.entries(changes)) if (value) state.set(name, value);
  const hash = `#${state}`.replaceAll("%2F", "/");
  window.history.replaceState(null, "", hash);
  for (const link of document.querySelectorAll("[data-same-view]")) link.href = window.location.pathname + hash;
}

function fit(drawn) {
  const view = drawn.map.getView();
  const [zoom, lat, lon] = (readState().at_map ?? "").split("/").map(Number);
  const known = [zoom, lat, lon].every(Number.isFinite) && readState().at_map;
  const { focus } = drawn.facts;
  const shown = focus ? transformExtent(focus, "EPSG:4326", "EPSG:3857") : drawn.extent;
  view.fit(shown, { padding: [8, 8, 8, 8] });
  if (known) {
    view.setZoom(zoom);
    view.setCenter(transformExtent([lon, lat, lon, lat], "EPSG:4326", "EPSG:3857").slice(0, 2));
  }
}

// A cell is looked at by a tap, by Enter at the middle of the map, or by its coordinates.
function startPlaces(drawn) {
  const panel = document.querySelector("[data-cell]");
  if (!panel) return;
  const look = async (lon, lat, focus) => {
    try {
      const asked = new URLSearchParams({ longitude: lon.toFixed(6), latitude: lat.toFixed(6) });
      panel.innerHTML = await call("GET", `${drawn.facts.cell}${drawn.facts.cell.includes("?") ? "&" : "?"}${asked}`);
    } catch (refusal) {
      showRefusal(panel, refusal);
    }
    for (const link of panel.querySelectorAll("[data-show-task]")) {
      link.addEventListener("click", () => drawn.choose?.(link.dataset.showTask, true));
    }
    if (focus) panel.focus();
  };
  drawn.map.on("singleclick", (event) => {
    if (drawn.drawing?.()) return;
    const task = drawn.taskAt?.(event.pixel);
    if (task) drawn.choose(task, false);
    look(...toLonLat(event.coordinate), false);
  });
  drawn.box.querySelector(".map").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || drawn.drawing?.()) return;
    look(...toLonLat(drawn.map.getView().getCenter()), true);
  });
  const form = document.querySelector("form[data-place]");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const [lat, lon] = form.elements.place.value.split(/[\s,;]+/).map(Number);
    if (Number.isFinite(lat) && Number.isFinite(lon)) look(lon, lat, true);
  });
}
