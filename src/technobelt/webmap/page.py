"""folium's page made to stand alone: every script, style sheet and image inside it.

This module imports folium; nothing outside `technobelt.webmap.build` imports it.
"""

from __future__ import annotations

import base64
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import folium
from branca.element import Element, Figure, MacroElement
from folium.template import Template

from technobelt.style import style_folder
from technobelt.webmap.overlays import base_colours
from technobelt.webmap.times import BANDS_OPACITY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from technobelt.webmap.overlays import Chords

__all__ = ["BeltMap", "PackedGeoJson", "PageParts", "PairLines", "waiting"]

#: The page's scripts, in the order in which they stand: each adds to `technobelt`.
_SCRIPTS = (
    *("features", "pairs", "labels", "panels", "dates", "search", "tools", "keyboard"),
    *("link", "start"),
)

#: branca's page, but it says which language it is in, for those who have it read out.
_PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
{% if this.title %}<title>{{ this.title }}</title>{% endif %}
{{ this.header.render(**kwargs) }}
</head>
<body>
{{ this.html.render(**kwargs) }}
</body>
<script>
{{ this.script.render(**kwargs) }}
</script>
</html>
"""
)


class _Inline(Element):
    """Text that goes into the page as it is: no template in it is looked for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def render(self, **_: Any) -> str:
        """Return the text."""
        return self._text


class BeltMap(folium.Map):
    """A `folium.Map` whose page asks no other computer for anything.

    folium's own links (Leaflet, jQuery, Bootstrap, Font Awesome) are left out. Leaflet 1.9.3, the
    version that folium was made for, stands in the page; nothing that is drawn here needs the
    others, nor do markers, shapes, popups and tooltips that are added later. ``folium.Icon`` and
    most plugins do: ``map_.add_js_link`` and ``add_css_link`` bring them in, from outside.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.default_js: list[tuple[str, str]] = []
        self.default_css: list[tuple[str, str]] = []
        figure = cast("Figure", self.get_root())
        figure._template = _PAGE  # noqa: SLF001  (branca has no other way in)
        header = figure.header
        header.add_child(_Inline('<link rel="icon" href="data:,">'), name="icon")
        header.add_child(_Inline(f"<style>{_leaflet_css()}</style>"), name="leaflet_css")
        header.add_child(_Inline(f"<script>{_leaflet_js()}</script>"), name="leaflet")
        header.add_child(_Inline(f"<style>{_page_css()}</style>"), name="technobelt_css")
        header.add_child(_Inline(f"<script>{_page_js()}</script>"), name="technobelt")

    def render(self, **options: Any) -> str:
        """Render, the controls last, so that they see layers that were added after them."""
        late = (folium.LayerControl, PageParts)
        for name in [key for key, child in self._children.items() if isinstance(child, late)]:
            self._children.move_to_end(name)
        return str(super().render(**options))  # type: ignore[no-untyped-call]


class PackedGeoJson(folium.GeoJson):
    """GeoJSON some of whose lines are packed: the page unpacks them, folium need not read them."""

    def _get_self_bounds(self) -> list[list[float | None]]:
        """Claim no bounds: the map's are set from the layers themselves."""
        return [[None, None], [None, None]]


class PairLines(MacroElement):
    """Lines between places, which the page itself bends, colours and explains."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            technobelt.pairs({{ this.data }}).addTo({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, chords: Chords) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "PairLines"
        self.data = in_script({**chords.data, "pane": chords.pane})


class PageParts(MacroElement):
    """The panels' HTML, and the call that brings the page to life."""

    _template = Template(
        """
        {% macro html(this, kwargs) %}{{ this.panels }}{% endmacro %}
        {% macro script(this, kwargs) %}
            technobelt.start({{ this._parent.get_name() }}, {{ this.control.get_name() }},
                {{ this.settings }}, {
                {%- for name, layer in this.layers.items() %}
                {{ name|tojson }}: {{ layer.get_name() }},
                {%- endfor %}
            });
        {% endmacro %}
        """
    )

    def __init__(
        self,
        panels: str,
        settings: dict[str, Any],
        control: folium.LayerControl,
        layers: Mapping[str, folium.map.Layer],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Technobelt"
        self.panels = panels
        self.settings = in_script(settings)
        self.control = control
        self.layers = layers


def in_script(value: Any) -> str:
    r"""Return JSON that may stand inside a script.

    Examples
    --------
    >>> in_script({"a": "</script>"})
    '{"a": "\\u003c/script>"}'
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def waiting(key: str, value: Any) -> str:
    """Return data that the page reads when it is asked for, so that it opens without."""
    return f'<script type="application/json" id="{key}">{in_script(value)}</script>'


def _leaflet(name: str) -> Path:
    from xstatic.pkg import leaflet

    return Path(leaflet.BASE_DIR) / name


@cache
def _leaflet_js() -> str:
    """Return Leaflet with its marker's images inside, without the link to its source map."""
    text = _leaflet("leaflet.js").read_text(encoding="utf-8")
    icons = {
        "iconUrl": _data_uri("marker-icon.png"),
        "iconRetinaUrl": _data_uri("marker-icon-2x.png"),
        "shadowUrl": _data_uri("marker-shadow.png"),
    }
    text = re.sub(r"//# sourceMappingURL=.*", "", text)
    # Leaflet guesses where its images lie from the style sheet; they lie nowhere but here.
    return (
        f"{text}\ndelete L.Icon.Default.prototype._getIconUrl;"
        f"L.Icon.Default.mergeOptions({in_script(icons)});"
    )


@cache
def _leaflet_css() -> str:
    """Return Leaflet's style sheet with its images inside, without Internet Explorer's VML."""
    text = _leaflet("leaflet.css").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"behavior:\s*url\([^)]*\);", "", text)
    return re.sub(
        r"url\([\"']?images/([\w.-]+)[\"']?\)", lambda m: f"url({_data_uri(m.group(1))})", text
    )


def _data_uri(name: str) -> str:
    image = _leaflet(f"images/{name}").read_bytes()
    return f"data:image/png;base64,{base64.b64encode(image).decode('ascii')}"


def _page_css() -> str:
    values = {**base_colours(), "bands": BANDS_OPACITY}
    variables = "".join(f"--{name}:{value};" for name, value in values.items())
    sheet = (style_folder() / "webmap.css").read_text(encoding="utf-8")
    return f":root{{{variables}}}\n{sheet}"


def _page_js() -> str:
    folder = style_folder() / "webmap"
    return "\n".join((folder / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)
