"""The command that shows the guide."""

from __future__ import annotations

import click

from technobelt.console import print_markdown

__all__ = ["guide"]


@click.command()
@click.argument("page", required=False)
def guide(page: str | None) -> None:
    """Show a PAGE of the guide: your-region, assumptions or api; without one, list them.

    Markdown where it does not go to a terminal: technobelt guide api > api.md
    """
    from technobelt.guide import PAGES, guide_page

    if page is None:
        width = max(map(len, PAGES))
        for name, about in PAGES.items():
            click.echo(f"{name:<{width}}  {about}")
        click.echo("\nShow one: technobelt guide your-region")
        return
    print_markdown(guide_page(page))
