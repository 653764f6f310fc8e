// The switch between dates: drive times, trips, routes and verdicts of the one chosen; what was not
// open then fades.
(() => {
  technobelt.dates = (map, layers, { date: first, dates, dated }) => {
    const kept = { [first]: Object.fromEntries(dated.map((name) => [name, layers[name].getLayers()])) };
    let now = first, later = null;

    const content = (date, name) => {
      const known = kept[date] ??= {};
      later ??= technobelt.waiting("tb-later") || {};
      return known[name] ??= (later[date]?.[name] || [])
        .map((part) => (part.pairs ? technobelt.pairs(part) : technobelt.built(part)));
    };
    const fade = () => Object.values(layers).forEach((layer) => technobelt.each(layer, (child) => {
      const shut = child.feature?.properties?.shut;
      if (shut) child.getElement?.()?.classList.toggle("tb-shut", shut.includes(now));
    }));
    const tell = () => {
      document.querySelectorAll(".tb-dated").forEach((told) => { told.hidden = told.dataset.date !== now; });
      document.querySelectorAll("#tb-dates input").forEach((button) => { button.checked = button.value === now; });
    };
    const choose = (date) => {
      if (date === now || !dates.includes(date)) return;
      now = date;
      map.closePopup();
      for (const name of dated) {
        layers[name].clearLayers();
        content(now, name).forEach((layer) => layers[name].addLayer(layer));
      }
      tell();
      fade();
      map.fire("tb:date");
    };
    document.getElementById("tb-dates")?.addEventListener("change", ({ target }) => choose(target.value));
    map.on("overlayadd baselayerchange", fade);
    tell();
    fade();
    return { choose, first, now: () => now };
  };
})();
