// Search by name: today's, the paper's of 1999, the Korean one; and going to what is found.
(() => {
  const MOST = 50, NEAR = 12, AROUND = 10.5;

  // Case, blanks, hyphens and diacritics do not count; hangul is compared letter by letter.
  const FINALS = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"; // as letters, whichever end they stand at
  const letters = (text) => text.normalize("NFKD").replace(/[\u11a8-\u11c2]/g, (final) => FINALS[final.charCodeAt(0) - 0x11a8]);
  const fold = (text) => letters(text).normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  const bare = (text) => text.replace(/-(si|gun|gu)$/i, "").replace(/(?<=..)[시군구]$/u, ""); // city, county, district

  const split = (text) => text.split(/[^\p{L}\p{M}\p{N}]+/u).map(fold).filter(Boolean);

  const decoded = (html) => {
    const box = document.createElement("textarea");
    box.innerHTML = html;
    return box.value;
  };

  const titled = (name) => Object.assign(document.createElement("h3"), { textContent: name });

  const index = () => {
    const { kinds, places } = technobelt.waiting("tb-found") || { kinds: [], places: [] };
    const all = places.map(([at, name, korean, old, kind, inside, lat, lon, more]) => {
      const names = [name, korean, old].map(decoded);
      const said = [...names, ...names.map(bare)].map(fold).filter(Boolean);
      const words = names.flatMap(split);
      const own = [...said, ...words, ...(names[1].match(/[a-z]+/gi) || []).map(fold)]; // the IC of 함안IC
      return { at: decoded(at), names, said, words, own, kind, says: kinds[kind], inside, where: [lat, lon], more: more || "" };
    });
    const towns = all.filter(({ at }) => at.startsWith("municipality:"));
    towns.forEach((town) => { [town.pop, town.more] = [town.more, ""]; });
    for (const place of all) { // Masan's places are found by "Masan", after what is called so
      const around = place.inside.map((number) => all[number]);
      place.town = around.flatMap(({ said }) => said);
      place.about = [...around.flatMap(({ own }) => own), ...split(place.says), ...split(decoded(place.more))];
      place.near = around.map(({ names }) => names[0]).join(", ");
    }
    return all;
  };

  const score = (place, asked) => {
    const { said, words, town, at } = place;
    if (said.includes(asked) || fold(at) === asked) return 5;
    if (said.some((text) => text.startsWith(asked))) return 4;
    if (words.some((text) => text.startsWith(asked))) return 3;
    if (said.some((text) => text.includes(asked))) return 2;
    return town.some((text) => text.startsWith(asked)) ? 1 : 0;
  };

  // Of several words each may begin another: of a name, a town, the kind of place or the route. A
  // name counts most, then its beginning and a whole word.
  const scattered = ({ said, own, about }, asked) => {
    const begins = (words, part) => words.some((word) => word.startsWith(part));
    const marks = asked.map((part) => {
      const named = begins(own, part), whole = own.includes(part) || about.includes(part);
      return named || begins(about, part) ? 1 + 2 * named + begins(said, part) + whole : 0;
    });
    return marks.every(Boolean) ? marks.reduce((sum, mark) => sum + mark, 0) : 0;
  };

  const ranked = (all, rate) => all.map((place) => ({ place, rank: rate(place) })).filter(({ rank }) => rank)
    .sort((a, b) => b.rank - a.rank || a.place.kind - b.place.kind).map(({ place }) => place);

  const find = (all, text) => {
    const whole = fold(text);
    if (!whole) return [];
    const found = ranked(all, (place) => score(place, whole));
    if (found.length) return found;
    const parts = text.split(/\s+/u).map(fold).filter(Boolean);
    return ranked(all, (place) => scattered(place, parts));
  };

  // --- going there --------------------------------------------------------------------------------

  technobelt.places = (map, layers) => {
    let all = null, drawn = null;
    const known = () => all ??= index();
    const markers = () => { // key -> [layer's name, marker or outline]
      drawn = new Map();
      for (const [name, layer] of Object.entries(layers)) {
        technobelt.each(layer, (child) => (child.feature?.properties?.at || []).forEach((at) => {
          const key = decoded(at);
          drawn.set(key, [...(drawn.get(key) || []), [name, child]]);
        }));
      }
      return drawn;
    };
    const marker = (at) => { // one on a layer that is on; else switch the layer on
      const found = ((drawn || markers()).get(at) || []).filter(([, child]) => child.getLatLng);
      const on = found.find(([name]) => map.hasLayer(layers[name]));
      if (!on && found.length) map.addLayer(layers[found.at(-1)[0]]);
      return (on || found.at(-1))?.[1];
    };
    const open = (at) => {
      const layer = marker(at), place = known().find((one) => one.at === at);
      if (!layer && !place) return null;
      const popup = layer ? layer.getPopup() : L.popup({ className: "tb-popup" })
        .setLatLng(place.where).setContent(place.pop || titled(place.names[0]));
      popup.tbAt = at;
      if (layer) layer.openPopup();
      else popup.openOn(map);
      const fold_ = [...popup.getElement().querySelectorAll("details[data-at]")].find((one) => one.dataset.at === at);
      if (fold_) fold_.open = true;
      return popup;
    };
    const go = (place) => {
      map.closePopup();
      const zoom = Math.max(map.getZoom(), place.pop || place.at.startsWith("cluster:") ? AROUND : NEAR);
      map.once("moveend", () => setTimeout(() => technobelt.enter(open(place.at))));
      if (technobelt.still()) map.setView(place.where, zoom, { animate: false });
      else map.flyTo(place.where, zoom, { duration: 0.9 });
    };
    const visit = (at) => {
      const place = known().find((one) => one.at === at);
      if (place) go(place);
    };
    return { find: (text) => find(known(), text), open, go, visit };
  };

  // --- the box ------------------------------------------------------------------------------------

  const option = (place, number) => {
    const [name, korean, old] = place.names;
    const item = document.createElement("li");
    Object.assign(item, { id: `tb-option-${number}`, role: "option" });
    item.setAttribute("aria-selected", "false");
    const line = (tag, text, lang) => {
      const element = item.appendChild(document.createElement(tag));
      element.textContent = text;
      if (lang) element.lang = lang;
    };
    line("b", name);
    if (korean) line("span", korean, "ko");
    line("small", [place.says, decoded(place.more), place.near !== name && place.near, old && `1999: ${old}`].filter(Boolean).join(" · "));
    return item;
  };

  technobelt.search = (map, places) => {
    const box = document.getElementById("tb-search");
    if (!box) return;
    const [input, list, status] = ["input", "ul", "p"].map((tag) => box.querySelector(tag));
    let found = [], chosen = -1;

    const mark = (number) => {
      chosen = number;
      [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === number)));
      const item = list.children[number];
      if (item) input.setAttribute("aria-activedescendant", item.id);
      else input.removeAttribute("aria-activedescendant");
      item?.scrollIntoView({ block: "nearest" });
    };
    const open = (shown) => {
      list.hidden = !shown || !found.length;
      status.hidden = !shown || !input.value.trim();
      input.setAttribute("aria-expanded", String(!list.hidden));
    };
    const look = () => {
      const all = places.find(input.value);
      found = all.slice(0, MOST);
      list.replaceChildren(...found.map(option));
      status.textContent = !all.length ? "Nothing of this name"
        : all.length > MOST ? `The first ${MOST} of ${all.length}` : `${all.length} found`;
      mark(found.length ? 0 : -1);
      open(true);
    };
    const take = (number) => {
      if (!found[number]) return;
      input.value = found[number].names[0];
      open(false);
      input.blur();
      places.go(found[number]);
    };
    const keys = {
      ArrowDown: () => (list.hidden ? look() : mark((chosen + 1) % found.length)),
      ArrowUp: () => (list.hidden ? look() : mark((chosen - 1 + found.length) % found.length)),
      Enter: () => take(list.hidden ? -1 : chosen),
      Escape: () => { if (list.hidden && status.hidden) input.value = ""; open(false); },
    };
    input.addEventListener("input", look);
    input.addEventListener("focus", () => { if (input.value) { input.select(); look(); } });
    input.addEventListener("keydown", (event) => {
      event.stopPropagation(); // the map would move
      if (event.isComposing || !keys[event.key]) return; // hangul is put together with Enter
      event.preventDefault();
      keys[event.key]();
    });
    list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
    list.addEventListener("click", ({ target }) => take([...list.children].indexOf(target.closest("li"))));
    box.addEventListener("focusout", ({ relatedTarget }) => { if (!box.contains(relatedTarget)) open(false); });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input[type=search], textarea")) return;
      event.preventDefault();
      input.focus();
      input.select();
    });
  };
})();
