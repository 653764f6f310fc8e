"""Which pages there are, and their text."""

from __future__ import annotations

from importlib import resources

from technobelt.errors import MissingFileError

__all__ = ["PAGES", "guide_page"]

#: Page -> what it is about, in the order in which a reader may want them.
PAGES = {
    "your-region": "Your region in an afternoon: from nothing to a verdict with your own layers.",
    "assumptions": "What is assumed, where it is set, how much it matters, how to change it.",
    "api": "Every public name in Python: parameters, results, errors, an example.",
}


def guide_page(name: str) -> str:
    """Return a page of the guide as Markdown.

    Parameters
    ----------
    name
        One of `PAGES`; ``api`` is made from the docstrings.

    Returns
    -------
    str
        It ends with a line break.

    Raises
    ------
    MissingFileError
        There is no such page.

    Examples
    --------
    >>> guide_page("your-region").splitlines()[0]
    '# Your region in an afternoon'
    """
    if name not in PAGES:
        raise MissingFileError(f"the guide has no page '{name}'. There are {', '.join(PAGES)}.")
    if name == "api":
        from technobelt.guide.api import api_reference

        return api_reference()
    file = resources.files("technobelt.guide") / f"{name}.md"
    return file.read_text(encoding="utf-8")
