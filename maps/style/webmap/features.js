// The web map beside Leaflet, file by file; each adds to `technobelt`. Texts arrive escaped; nothing
// is loaded from anywhere. Here: packed lines, markers, popups.
"use strict";

// folium's own popups make their elements with jQuery; this much of it is all they need.
window.$ ??= (what) => {
  if (typeof what !== "string") return { ready: (run) => run() };
  return Object.assign(document.createElement("template"), { innerHTML: what.trim() }).content.children;
};

const technobelt = {};

(() => {
  // --- packed lines: see `pack` in overlays.py; four decimals --------------------------------------

  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const VALUES = Object.fromEntries([...LETTERS].map((letter, value) => [letter, value]));

  const unpack = (text) => {
    const line = [];
    let at = 0, last = [0, 0];
    while (at < text.length) {
      last = last.map((before) => {
        let code = 0, shift = 0, value;
        do {
          value = VALUES[text[at++]];
          code |= (value & 31) << shift;
          shift += 5;
        } while (value > 31);
        return before + (code & 1 ? ~(code >> 1) : code >> 1);
      });
      line.push(last.map((v) => v / 1e4));
    }
    return line;
  };
  const unpacked = (c) => (typeof c === "string" ? unpack(c) : Array.isArray(c) ? c.map(unpacked) : c);
  const addData = L.GeoJSON.prototype.addData;
  L.GeoJSON.include({
    addData(data) {
      if (data.geometry?.coordinates) data.geometry.coordinates = unpacked(data.geometry.coordinates);
      return addData.call(this, data);
    },
  });

  // --- features: what folium.GeoJson calls for each ---------------------------------------------

  const point = (pane, interactive) => (feature, latlng) => {
    const { icon, style } = feature.properties;
    if (!icon) return L.circleMarker(latlng, { pane, interactive, radius: 3.2, ...style });
    const options = { html: icon.html, className: icon.class, iconSize: icon.size || null };
    if (icon.anchor) options.iconAnchor = icon.anchor;
    return L.marker(latlng, {
      pane, interactive, keyboard: interactive, icon: L.divIcon(options),
    });
  };

  const words = (html) => new DOMParser().parseFromString(html.replace(/<br>/g, ", "), "text/html").body.textContent;

  const bind = (feature, layer) => {
    const { tip, pop, icon } = feature.properties;
    if (tip) layer.bindTooltip(tip, { sticky: !icon, direction: icon ? "top" : "auto", className: "tb-tip" });
    if (pop) {
      layer.bindPopup(pop, { className: "tb-popup" });
      layer.on("popupopen", ({ popup }) => {
        layer.closeTooltip();
        popup.getElement().querySelectorAll("details").forEach((fold) =>
          fold.addEventListener("toggle", () => popup._adjustPan?.()));
      });
    }
    if (layer.getLatLng && (tip || pop)) technobelt.reachable(layer, tip && words(tip));
  };

  // The data that waits in the page until it is asked for.
  const waiting = (id) => JSON.parse(document.getElementById(id)?.textContent || "null");

  // A layer of the page's own making: what folium makes of the same features.
  const built = ({ features, options }) => {
    const layer = L.geoJson({ type: "FeatureCollection", features }, {
      ...options,
      style: ({ properties }) => properties.style,
      pointToLayer: point(options.pane, options.interactive),
      onEachFeature: options.interactive ? bind : undefined,
    });
    return layer;
  };

  const each = (layer, visit) => (layer.eachLayer ? layer.eachLayer((child) => each(child, visit)) : visit(layer));

  Object.assign(technobelt, { unpack, point, words, bind, waiting, built, each });
})();
