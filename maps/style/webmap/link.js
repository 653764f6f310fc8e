// A link to what is seen: #zoom/lat/lon&layers=...&at=...&date=...
(() => {
  const DELAY_MS = 250, NUMBER = /^-?\d+(\.\d+)?$/; // an empty text would count as 0

  const slug = (name) => technobelt.words(name).normalize("NFKC").toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "layer";

  const parsed = (hash) => {
    const [view, ...rest] = hash.replace(/^#/, "").split("&");
    const parts = view.split("/"), [zoom, lat, lon] = parts.map(Number);
    const sound = parts.length === 3 && parts.every((part) => NUMBER.test(part))
      && Math.abs(lat) <= 85 && Math.abs(lon) <= 180; // Leaflet itself keeps to its least and most zoom
    const said = {};
    for (const part of rest) {
      const [, key, value] = /^(layers|at|date)=(.*)$/s.exec(part) || [];
      try {
        if (key) said[key] = decodeURIComponent(value);
      } catch { /* a broken link: the rest of it still counts */ }
    }
    return { view: sound ? { zoom, at: [lat, lon] } : null, ...said };
  };

  technobelt.link = (map, layers, { overlays, dates, places }) => {
    const slugs = {};
    for (const name of overlays) {
      const taken = Object.values(slugs), plain = slug(name);
      let own = plain;
      for (let n = 2; taken.includes(own); n += 1) own = `${plain}-${n}`;
      slugs[name] = own;
    }
    const on = () => overlays.filter((name) => map.hasLayer(layers[name])).map((name) => slugs[name]).join(",");
    const usual = on();
    let at = null, timer = null, written = location.hash;

    const write = () => {
      const { lat, lng } = map.getCenter();
      const parts = [[+map.getZoom().toFixed(2), lat.toFixed(4), lng.toFixed(4)].join("/")];
      if (on() !== usual) parts.push(`layers=${on().split(",").map(encodeURIComponent).join(",")}`);
      if (at) parts.push(`at=${encodeURIComponent(at)}`);
      if (dates.now() !== dates.first) parts.push(`date=${encodeURIComponent(dates.now())}`);
      written = `#${parts.join("&")}`;
      try {
        history.replaceState(null, "", written);
      } catch { /* a page inside a notebook has no address of its own */ }
    };
    const later = () => { clearTimeout(timer); timer = setTimeout(write, DELAY_MS); };

    const show = (layer, wanted) => {
      if (wanted && !map.hasLayer(layer)) map.addLayer(layer);
      if (!wanted && map.hasLayer(layer)) map.removeLayer(layer);
    };
    const read = () => {
      const said = parsed(location.hash);
      dates.choose(said.date ?? dates.first);
      const wanted = (said.layers ?? usual).split(",");
      overlays.forEach((name) => show(layers[name], wanted.includes(slugs[name])));
      if (said.view) map.setView(said.view.at, said.view.zoom, { animate: false });
      if (!said.at) map.closePopup();
      else if (said.view) places.open(said.at);
      else places.visit(said.at);
    };

    map.on("popupopen", ({ popup }) => {
      const first = popup._source?.feature?.properties?.at?.[0];
      at = popup.tbAt ?? (first ? technobelt.words(first) : null);
      popup.getElement().querySelectorAll("details[data-at]").forEach((fold) => fold.addEventListener("toggle", () => {
        if (fold.open) { at = fold.dataset.at; later(); }
      }));
      later();
    });
    map.on("popupclose", ({ popup }) => { at = null; delete popup.tbAt; later(); });
    if (location.hash.length > 1) read();
    map.on("moveend overlayadd overlayremove tb:date", later);
    addEventListener("hashchange", () => { if (location.hash !== written) read(); });
  };
})();
