// The layer control, the card, the legend: where they stand, and what of them is shown.
(() => {
  const groups = {};

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

  // A layer may be on and yet show nothing: on the date chosen there is none of it.
  const filled = (layer) => (layer.getLayers ? layer.getLayers().some(filled) : true);

  const follow = (map, layers, legend) => {
    const seen = (name) => map.hasLayer(layers[name]) && filled(layers[name]);
    for (const entry of legend.querySelectorAll(".tb-entry")) {
      entry.hidden = !entry.dataset.layers.split("|").some(seen);
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

  // What the panels leave of the map: distances from its top left and its bottom right corner. At the
  // top a name stands above the first cluster.
  const margins = (map, card) => {
    const { x, y } = map.getSize();
    const r = card.getBoundingClientRect(), o = map.getContainer().getBoundingClientRect();
    return x >= 900 || (x >= 700 && y < 480)
      ? [[r.right - o.left + 8, 30], [Math.min(265, x / 5), 34]]
      : [[12, Math.min(r.bottom - o.top, y / 3) + 24], [12, 70]];
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

  const fold = (map, control) => {
    const { x, y } = map.getSize();
    const small = x < 700 || y < 480;
    if (small) document.querySelectorAll("details[open]").forEach((e) => e.removeAttribute("open"));
    control.remove(); // put up again: only then it knows the groups and whether it is collapsed
    control.options.collapsed = small;
    control.addTo(map);
  };

  Object.assign(technobelt, { groups, place, follow, arrange, fit, keepPopupsClear, fold });
})();
