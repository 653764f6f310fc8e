// What brings the page to life, once folium has made the map.
(() => {
  technobelt.start = (map, control, settings, layers) => {
    const { place, follow, arrange, fit, keepPopupsClear, fold, widen, declutter } = technobelt;
    Object.assign(technobelt.groups, settings.groups);
    fold(map, control);
    map.getContainer().classList.toggle("tb-sea", settings.sea);
    map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
    settings.attribution.forEach((line) => map.attributionControl.addAttribution(line));
    const zoom = L.control.zoom({ position: "bottomleft" }).addTo(map);
    L.control.scale({ position: "bottomleft", imperial: false, maxWidth: 130 }).addTo(map);
    technobelt.fullScreen(map, zoom.getContainer());
    place(map, "tb-search", "topleft");
    const card = place(map, "tb-card", "topleft");
    const legend = place(map, "tb-legend", "bottomright");
    technobelt.keyboard(map, control);
    const base = layers[Object.keys(layers)[0]];
    const redraw = () => { widen(map, base); declutter(map); };
    map.on("zoomend", () => widen(map, base));
    map.on("moveend", () => declutter(map)); // after each zoom as well
    map.on("overlayadd overlayremove baselayerchange", () => { follow(map, layers, legend); redraw(); });
    map.on("tb:date", () => follow(map, layers, legend));
    map.on("resize", redraw);
    map.on("resize", () => { arrange(map, control, legend); keepPopupsClear(map, card); });
    arrange(map, control, legend);
    fit(map, settings.bounds, card);
    technobelt.coordinates(map);
    keepPopupsClear(map, card);
    const dates = technobelt.dates(map, layers, settings);
    const places = technobelt.places(map, layers);
    technobelt.search(map, places);
    follow(map, layers, legend);
    redraw();
    technobelt.link(map, layers, { overlays: Object.keys(settings.groups), dates, places });
    document.documentElement.dataset.technobelt = "ready";
  };
})();
