// Names: the less important ones make room. Roads grow with the zoom.
(() => {
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
    for (const name of all(".tb-cluster span")) { // they matter most: those at a side move inward
      name.style.marginLeft = "";
      const b = box(name, 4), at = name.parentNode.getBoundingClientRect().left;
      if (at < page.l || at > page.r) continue; // its cluster is out of sight
      const by = Math.max(page.l - b.l, 0) - Math.max(b.r - page.r, 0);
      if (by) name.style.marginLeft = `${by}px`;
    }
    const panels = "#tb-search, #tb-card, #tb-legend, .leaflet-control-layers";
    const taken = all(`.tb-hub i, .tb-cluster span, ${panels}`).map((e) => box(e, 1));
    const markers = all(".tb-place").map((e) => box(e, -2));
    const clear = all(".tb-place").map((e) => box(e, 1));
    const free = (b, others) => within(b) && !others.some((other) => meet(b, other));
    const settle = (name, sides, others, better = others) => { // where there is room, or nowhere
      const fits = (rest) => sides.find((way) => { name.dataset.side = way; return free(box(name, 2), rest); });
      const side = fits(better) ?? fits(others);
      name.classList.toggle("tb-hidden", side === undefined);
      if (side !== undefined) taken.push(box(name, 2));
    };
    const far = map.getZoom() < 8.75;
    const hide = (name) => name.classList.add("tb-hidden");
    all(".tb-hub span").forEach((name) => (far ? hide(name) : settle(name, SIDES, taken, [...taken, ...clear])));
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

  Object.assign(technobelt, { declutter, widen });
})();
