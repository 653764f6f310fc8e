// Trips: a bent line for every two places, coloured by margin, and the way driven; see pairs.py.
(() => {
  const STEPS = 24, NEAR_M = 15, WAYS = "tb-ways";

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
    const over = minutes - limit, digits = Math.abs(over) < 1 || limit % 1 ? 1 : 0;
    const told = minutes.toFixed(digits), left = Math.abs(told - limit); // so that both add up to the limit
    const rest = `${left.toFixed(digits)} ${over > 0 ? "over" : "to spare"}`;
    const drawn = share == null ? "" : `, within the limit in ${share} % of draws`;
    return `<br>${title}: <b>${told} min</b>, ${rest}${drawn}`;
  };

  // The ways there and back, which mostly run on the same road: one line, on a pane of its own.
  const driven = (ways, look) => {
    const lines = (ways || []).filter(Boolean).flat()
      .map((text) => technobelt.unpack(text).map(([lon, lat]) => [lat, lon]));
    if (!lines.length) return null;
    const line = (style) => L.polyline(lines, { pane: WAYS, interactive: false, lineJoin: "round", ...style });
    return L.layerGroup([line({ color: "#fff", weight: 9, opacity: 0.9 }), line({ color: look.color, weight: 5.5, opacity: 1 })]);
  };

  technobelt.pairs = ({ limit, places, looks, pairs: all, ways, roads, pane }) => {
    const made = all.map(([i, j, look, there, back, ...shares], rank) => {
      const chord = bent(places[i], places[j], 0.1 + 0.35 * rank / all.length);
      const line = L.polyline(chord, { pane, interactive: false, opacity: 0.9, ...looks[look] });
      const hit = L.polyline(chord, { pane, weight: 9, opacity: 0 }); // as wide as a finger needs
      const said = `<b>${places[i][2]}</b> to <b>${places[j][2]}</b>`
        + trip("There", limit, there, shares[0]) + trip("Back", limit, back, shares[1])
        + (roads ? `<br>Roads of ${roads}` : "");
      hit.bindTooltip(said, { sticky: true, className: "tb-tip tb-trip" });
      hit.bindPopup(said, { className: "tb-popup" });
      return { ends: [i, j], said, line, hit, chord, look: looks[look], ways: ways?.[rank] };
    });
    const casing = L.polyline(made.map(({ chord }) => chord), { pane, interactive: false, color: "#fff", weight: 4.5, opacity: 0.55 });
    const group = L.featureGroup([casing, ...made.map((m) => m.line), ...made.map((m) => m.hit)]);

    const light = (chosen) => { // some trips, or all of them
      made.forEach(({ ends, line }) => line.setStyle({ opacity: !chosen || chosen(ends) ? 0.9 : 0.1 }));
      casing.setStyle({ opacity: chosen ? 0 : 0.55 });
    };
    let way = null, kept = null, place = null;
    const show = (one) => { // its way in place of its line, or its line thicker where none is known
      way?.remove();
      made.forEach(({ line, look }) => line.setStyle({ weight: look.weight }));
      way = one && (one.drawn ??= driven(one.ways, one.look));
      const only = one && way ? () => false : place;
      light(only);
      if (way) way.addTo(group._map);
      else one?.line.setStyle({ weight: one.look.weight + 2.5, opacity: 0.9 });
    };
    for (const one of made) {
      one.hit.on({
        mouseover: () => show(one),
        mouseout: () => show(kept),
        popupopen: () => { one.hit.closeTooltip(); kept = one; show(one); },
        popupclose: () => { kept = null; show(null); },
      });
    }
    // A place's trips as buttons in its popup: lines cannot be reached by Tab.
    const told = (popup, at) => {
      const list = L.DomUtil.create("details", "tb-trips", popup.getElement().querySelector(".leaflet-popup-content"));
      const mine = made.filter(({ ends }) => ends.includes(at)).reverse(); // the worst first
      L.DomUtil.create("summary", "", list).textContent = mine.length === 1 ? "1 trip" : `${mine.length} trips`;
      for (const one of mine) {
        const button = L.DomUtil.create("button", "", list);
        Object.assign(button, { type: "button", innerHTML: one.said, onfocus: () => show(one), onblur: () => show(null) });
      }
      list.addEventListener("toggle", () => popup._adjustPan?.());
      return list;
    };
    let list = null;
    const opened = ({ popup }) => {
      if (kept) return;
      const at = places.findIndex(([lat, lon]) => popup.getLatLng().distanceTo([lat, lon]) < NEAR_M);
      place = at < 0 ? null : (ends) => ends.includes(at);
      light(place);
      list = made.some(({ ends }) => ends.includes(at)) ? told(popup, at) : null;
    };
    const closed = () => { place = null; show(kept); };
    return group.on({
      add: () => { kept = place = null; show(null); group._map.on({ popupopen: opened, popupclose: closed }); },
      remove: () => { way?.remove(); list?.remove(); group._map?.off({ popupopen: opened, popupclose: closed }); },
    });
  };
})();
