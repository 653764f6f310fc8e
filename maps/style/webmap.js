// What the web map does beside Leaflet: labels and markers, popups, a grouped layer control, a
// legend that follows what is switched on. Texts arrive escaped; nothing is loaded from anywhere.
"use strict";

// folium's own popups make their elements with jQuery; this much of it is all they need.
window.$ ??= (what) => {
  if (typeof what !== "string") return { ready: (run) => run() };
  return Object.assign(document.createElement("template"), { innerHTML: what.trim() }).content.children;
};

const technobelt = (() => {
  const groups = {};

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

  const words = (html) => new DOMParser().parseFromString(html, "text/html").body.textContent;

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
    if (icon && tip) layer.on("add", () => layer.getElement()?.setAttribute("aria-label", words(tip)));
  };

  // --- trips: a bent line for every two places, coloured by margin; see pairs.py ------------------

  const STEPS = 24, NEAR_M = 15;

  const bent = ([lat, lon], [toLat, toLon], bend) => { // to the left of the way, by a share of it
    const wide = Math.cos(lat * Math.PI / 180), x = (toLon - lon) * wide, y = toLat - lat;
    return Array.from({ length: STEPS + 1 }, (_, step) => {
      const t = step / STEPS, off = 2 * bend * t * (1 - t);
      return [lat + y * t + x * off, lon + (x * t - y * off) / wide];
    });
  };

  const trip = (title, limit, minutes, share) => {
    if (minutes === null) return "";
    if (typeof minutes === "string") return `<br>${title}: ${minutes}`;
    const over = minutes - limit, digits = Math.abs(over) < 1 ? 1 : 0;
    const rest = `${Math.abs(over).toFixed(digits)} ${over > 0 ? "over" : "to spare"}`;
    const drawn = share == null ? "" : `, within the limit in ${share} % of draws`;
    return `<br>${title}: <b>${minutes.toFixed(digits)} min</b>, ${rest}${drawn}`;
  };

  const pairs = ({ limit, places, looks, pairs: all, pane }) => {
    const made = all.map(([i, j, look, there, back, ...shares], rank) => {
      const way = bent(places[i], places[j], 0.1 + 0.35 * rank / all.length);
      const line = L.polyline(way, { pane, interactive: false, opacity: 0.9, ...looks[look] });
      const hit = L.polyline(way, { pane, weight: 9, opacity: 0 }); // as wide as a finger needs
      const said = `<b>${places[i][2]}</b> to <b>${places[j][2]}</b>`
        + trip("There", limit, there, shares[0]) + trip("Back", limit, back, shares[1]);
      hit.bindTooltip(said, { sticky: true, className: "tb-tip tb-trip" });
      hit.bindPopup(said, { className: "tb-popup" }).on("popupopen", () => hit.closeTooltip());
      const weight = looks[look].weight;
      hit.on({ mouseover: () => line.setStyle({ weight: weight + 2.5 }), mouseout: () => line.setStyle({ weight }) });
      return { ends: [i, j], line, hit, way };
    });
    const casing = L.polyline(made.map(({ way }) => way), { pane, interactive: false, color: "#fff", weight: 4.5, opacity: 0.55 });
    const light = (place) => { // the trips of one place, or all of them
      made.forEach(({ ends, line }) => line.setStyle({ opacity: place < 0 || ends.includes(place) ? 0.9 : 0.1 }));
      casing.setStyle({ opacity: place < 0 ? 0.55 : 0 });
    };
    const opened = ({ popup }) => light(places.findIndex(([lat, lon]) => popup.getLatLng().distanceTo([lat, lon]) < NEAR_M));
    const closed = () => light(-1);
    const group = L.featureGroup([casing, ...made.map((m) => m.line), ...made.map((m) => m.hit)]);
    return group.on({
      add: ({ target }) => { closed(); target._map.on({ popupopen: opened, popupclose: closed }); },
      remove: ({ target }) => target._map?.off({ popupopen: opened, popupclose: closed }),
    });
  };

  // --- layer control: headings between the groups -----------------------------------------------

  const addItem = L.Control.Layers.prototype._addItem;
  L.Control.Layers.include({
    _addItem(item) {
      const label = addItem.call(this, item);
      const heading = groups[item.name];
      if (item.overlay && heading && heading !== this._lastHeading) {
        const line = document.createElement("h2");
        line.textContent = heading;
        label.before(line);
      }
      this._lastHeading = item.overlay ? heading : undefined;
      return label;
    },
  });

  // --- labels: the less important ones make room ------------------------------------------------

  const box = (element, pad) => {
    const r = element.getBoundingClientRect();
    return { l: r.left - pad, r: r.right + pad, t: r.top - pad, b: r.bottom + pad };
  };
  const meet = (a, b) => a.l < b.r && b.l < a.r && a.t < b.b && b.t < a.b;

  const SIDES = ["below", "above", "right", "left"];

  const declutter = (map) => {
    const all = (selector) => [...map.getContainer().querySelectorAll(selector)];
    const page = box(map.getContainer(), 0);
    const within = (b) => b.l > page.l && b.r < page.r;
    const taken = all(".tb-hub i, .tb-cluster span").map((e) => box(e, 1));
    const markers = all(".tb-place").map((e) => box(e, -2));
    const free = (b, others) => within(b) && !others.some((other) => meet(b, other));
    const settle = (name, sides, others) => { // where there is room, or nowhere
      const side = sides.find((way) => { name.dataset.side = way; return free(box(name, 2), others); });
      name.classList.toggle("tb-hidden", side === undefined);
      if (side !== undefined) taken.push(box(name, 2));
    };
    const far = map.getZoom() < 8.75;
    const hide = (name) => name.classList.add("tb-hidden");
    all(".tb-hub span").forEach((name) => (far ? hide(name) : settle(name, SIDES, taken)));
    all(".tb-shield div").forEach((name) => settle(name, [""], taken));
    for (const name of all(".tb-town div")) { // in the order of their rank
      if (far && name.parentNode.matches(".tb-rank2")) hide(name);
      else settle(name, ["", "above", "below"], [...taken, ...markers]);
    }
  };

  // --- roads grow with the zoom -----------------------------------------------------------------

  const widen = (map, layer) => {
    const factor = Math.min(3, Math.max(0.7, 1.35 ** (map.getZoom() - 10)));
    layer.eachLayer((child) => {
      if (child.eachLayer) return widen(map, child);
      const { road, style } = child.feature?.properties || {};
      if (road) child.setStyle({ weight: style.weight * factor });
    });
  };

  // --- panels -----------------------------------------------------------------------------------

  const place = (map, id, position) => {
    const element = document.getElementById(id);
    if (!element) return null;
    const control = L.control({ position });
    control.onAdd = () => {
      L.DomEvent.disableClickPropagation(element);
      L.DomEvent.disableScrollPropagation(element);
      return element;
    };
    return control.addTo(map).getContainer();
  };

  const follow = (map, layers, legend) => {
    for (const entry of legend.querySelectorAll(".tb-entry")) {
      entry.hidden = !entry.dataset.layers.split("|").some((name) => map.hasLayer(layers[name]));
    }
    for (const section of legend.querySelectorAll("section")) {
      section.hidden = !section.querySelector(".tb-entry:not([hidden])");
    }
  };

  // The panels share the height of the page; attribution and scale stand side by side.
  const arrange = (map, control, legend) => {
    const pane = map.getContainer(), height = map.getSize().y;
    const credits = map.attributionControl.getContainer();
    const above = control.getContainer().getBoundingClientRect();
    const room = height - (above.bottom - pane.getBoundingClientRect().top) - credits.offsetHeight - 34;
    if (room < 110 && map.getSize().x >= 700) legend.removeAttribute("open");
    legend.style.maxHeight = `${Math.max(room, 110)}px`;
    const wide = credits.offsetWidth > map.getSize().x - 160;
    pane.querySelector(".leaflet-bottom.leaflet-left").style.bottom = wide ? `${credits.offsetHeight}px` : "";
  };

  // What the panels leave of the map: distances from its top left and its bottom right corner.
  const margins = (map, card) => {
    const { x, y } = map.getSize();
    const r = card.getBoundingClientRect(), o = map.getContainer().getBoundingClientRect();
    return x >= 900
      ? [[r.right - o.left + 8, 16], [Math.min(265, x / 5), 34]]
      : [[8, Math.min(r.bottom - o.top, y / 3) + 8], [8, 70]];
  };

  const fit = (map, bounds, card) => {
    const [paddingTopLeft, paddingBottomRight] = margins(map, card);
    map.fitBounds(bounds, { paddingTopLeft, paddingBottomRight, animate: false });
  };

  // Popups were made before the page was: they look up these options when they open.
  const keepPopupsClear = (map, card) => {
    const [autoPanPaddingTopLeft, autoPanPaddingBottomRight] = margins(map, card);
    const maxWidth = Math.min(330, map.getSize().x - 60);
    Object.assign(L.Popup.prototype.options, { autoPanPaddingTopLeft, autoPanPaddingBottomRight, maxWidth });
  };

  // --- start --------------------------------------------------------------------------------------

  const fold = (map, control) => {
    const { x, y } = map.getSize();
    const small = x < 700 || y < 480;
    if (small) document.querySelectorAll("details[open]").forEach((e) => e.removeAttribute("open"));
    control.remove(); // put up again: only then it knows the groups and whether it is collapsed
    control.options.collapsed = small;
    control.addTo(map);
  };

  const start = (map, control, settings, layers) => {
    Object.assign(groups, settings.groups);
    fold(map, control);
    map.getContainer().classList.toggle("tb-sea", settings.sea);
    map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
    settings.attribution.forEach((line) => map.attributionControl.addAttribution(line));
    L.control.zoom({ position: "bottomleft" }).addTo(map);
    L.control.scale({ position: "bottomleft", imperial: false, maxWidth: 130 }).addTo(map);
    const card = place(map, "tb-card", "topleft");
    const legend = place(map, "tb-legend", "bottomright");
    const base = layers[Object.keys(layers)[0]];
    const redraw = () => { widen(map, base); declutter(map); };
    map.on("overlayadd overlayremove baselayerchange", () => { follow(map, layers, legend); redraw(); });
    map.on("zoomend resize", redraw);
    map.on("resize", () => { arrange(map, control, legend); keepPopupsClear(map, card); });
    arrange(map, control, legend);
    fit(map, settings.bounds, card);
    keepPopupsClear(map, card);
    follow(map, layers, legend);
    redraw();
    document.documentElement.dataset.technobelt = "ready";
  };

  return { point, bind, pairs, start };
})();
