"""The pages of the guide: Markdown that ships with the package, and the API reference."""

from technobelt.guide.pages import PAGES, guide_page

__all__ = ["PAGES", "guide_page"]
