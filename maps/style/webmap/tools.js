// Full screen, and the position under the pointer, to be copied as the command line takes it.
(() => {
  const DIGITS = 5, TOLD_MS = 1600, NEAR_PX = 12;

  technobelt.fullScreen = (map, bar) => {
    if (!document.fullscreenEnabled) return;
    const button = L.DomUtil.create("a", "tb-full", bar);
    Object.assign(button, { href: "#", title: "Full screen", role: "button" });
    button.innerHTML = '<svg width="14" height="14" aria-hidden="true"><path d="M1 5V1h4M9 1h4v4M13 9v4H9M5 13H1V9" fill="none" stroke="currentColor" stroke-width="1.8"/></svg>';
    const tell = () => {
      const full = Boolean(document.fullscreenElement);
      button.setAttribute("aria-label", full ? "Leave full screen" : "Full screen");
      button.setAttribute("aria-pressed", String(full));
    };
    L.DomEvent.on(button, "click", (event) => {
      L.DomEvent.stop(event);
      if (document.fullscreenElement) document.exitFullscreen();
      else document.documentElement.requestFullscreen().catch(() => {});
    });
    document.addEventListener("fullscreenchange", tell);
    tell();
  };

  const written = ({ lat, lng }, between) => [lng, lat].map((v) => v.toFixed(DIGITS)).join(between);

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // where a page from disk may not
      const box = document.body.appendChild(document.createElement("textarea"));
      box.value = text;
      box.select();
      document.execCommand("copy");
      box.remove();
    }
  };

  // Follows the pointer, or the middle where there is none; a click on the map holds a position.
  technobelt.coordinates = (map) => {
    const held = L.marker([0, 0], { interactive: false, keyboard: false, icon: L.divIcon({ className: "tb-cross", iconSize: [17, 17] }) });
    const control = L.control({ position: "bottomleft" });
    let at = map.getCenter(), pointed = false, timer;
    control.onAdd = () => {
      const box = L.DomUtil.create("div", "tb-where");
      box.innerHTML = '<button type="button" title="Longitude, latitude: copy. A click on the map holds a position."><span></span></button><p role="status"></p>';
      L.DomEvent.disableClickPropagation(box);
      return box;
    };
    const box = control.addTo(map).getContainer();
    const [button, text, status] = ["button", "span", "p"].map((tag) => box.querySelector(tag));
    const tell = (latlng) => {
      at = latlng.wrap();
      text.textContent = written(at, ", ");
      button.setAttribute("aria-label", `Copy position ${written(at, ",")}`);
    };
    const follow = (latlng) => { if (!map.hasLayer(held)) tell(latlng); };
    const hold = (latlng) => { // a click on what is held lets go of it
      const off = map.latLngToLayerPoint(latlng).distanceTo(map.latLngToLayerPoint(held.getLatLng()));
      if (map.hasLayer(held) && off < NEAR_PX) held.remove();
      else held.setLatLng(latlng).addTo(map);
      box.classList.toggle("tb-held", map.hasLayer(held));
      tell(latlng);
    };
    technobelt.letGo = () => { held.remove(); box.classList.remove("tb-held"); };
    button.addEventListener("click", async () => {
      await copy(written(at, ","));
      status.textContent = "Copied";
      clearTimeout(timer);
      timer = setTimeout(() => { status.textContent = ""; }, TOLD_MS);
    });
    map.on("preclick", ({ latlng }) => hold(latlng));
    map.getContainer().addEventListener("pointermove", (event) => {
      if (event.pointerType !== "mouse" || event.target.closest(".leaflet-control")) return;
      pointed = true;
      follow(map.mouseEventToLatLng(event));
    });
    map.on("move", () => { if (!pointed) follow(map.getCenter()); });
    tell(at);
  };
})();
