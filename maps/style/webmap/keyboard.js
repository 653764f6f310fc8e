// The keyboard: every control and marker can be reached, opened and left without a pointer.
(() => {
  // Markers on an SVG have no keyboard of their own, unlike those made of icons.
  const reachable = (layer, label) => layer.on("add", () => {
    const element = layer.getElement();
    if (!element) return;
    if (label) element.setAttribute("aria-label", label);
    if (!layer.getPopup() || layer.options.interactive === false) return;
    element.setAttribute("tabindex", "0");
    element.setAttribute("role", "button");
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      layer.openPopup();
      enter(layer.getPopup());
    });
  });

  const enter = (popup) => {
    const content = popup?.getElement()?.querySelector(".leaflet-popup-content");
    if (!content) return;
    content.tabIndex = -1;
    content.focus({ preventScroll: true });
  };

  const leave = (map, popup) => {
    const marker = popup._source?.getElement?.();
    const back = marker?.hasAttribute("tabindex") && marker.isConnected ? marker : map.getContainer();
    back.focus({ preventScroll: true });
  };

  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  const keyboard = (map, control) => {
    const container = map.getContainer();
    container.prepend(map._controlContainer); // the controls come before the markers
    container.setAttribute("role", "region");
    container.setAttribute("aria-label", "Map. Arrow keys move it, plus and minus zoom, / searches by name.");
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.target.closest?.("#tb-search")) return;
      const popup = map._popup;
      if (popup?.isOpen()) {
        map.closePopup();
        leave(map, popup);
        return;
      }
      technobelt.letGo();
      if (control.options.collapsed) control.collapse();
    }, true);
    map.on("popupclose", ({ popup }) => {
      if (popup.getElement()?.contains(document.activeElement)) leave(map, popup);
    });
    if (still()) Object.assign(map.options, { zoomAnimation: false, fadeAnimation: false, inertia: false });
    if (still()) map._zoomAnimated = map._fadeAnimated = false;
  };

  Object.assign(technobelt, { reachable, enter, still, keyboard });
})();
