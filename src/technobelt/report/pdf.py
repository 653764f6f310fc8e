"""A page -> PDF, by whatever on this machine can print a page without being seen."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from technobelt.errors import MissingPackageError, OutputError

__all__ = ["CONVERTERS", "pdf_converter", "write_pdf"]

#: Browsers, by the names of their programs, in the order in which they are looked for; last a
#: Python package, which draws figures a little more coarsely.
CONVERTERS = (
    *("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"),
    *("microsoft-edge-stable", "microsoft-edge", "msedge"),
    "weasyprint",
)
_SECONDS = 180


def pdf_converter() -> str:
    """Return the first of `CONVERTERS` that is at hand: a program's path, or ``weasyprint``.

    Raises
    ------
    MissingPackageError
        There is none; the message says what to install.

    Examples
    --------
    >>> Path(pdf_converter()).name  # doctest: +SKIP
    'chromium'
    """
    *browsers, package = CONVERTERS
    found = next(filter(None, map(shutil.which, browsers)), None)
    if found:
        return found
    if importlib.util.find_spec(package) is not None:
        return package
    raise MissingPackageError(
        "nothing here can make a PDF: found no Chromium, Chrome or Edge on PATH, and no "
        "WeasyPrint. Install one of them (python -m pip install weasyprint), or print "
        "report.html from your browser."
    )


def write_pdf(page: str | Path, path: str | Path) -> Path:
    """Write a page as a PDF on A4, with the breaks and page numbers that its style sheet asks for.

    Parameters
    ----------
    page
        An HTML file that needs nothing beside itself.
    path
        The ``.pdf``.

    Returns
    -------
    pathlib.Path
        The PDF.

    Raises
    ------
    MissingPackageError
        Nothing at hand can do it.
    OutputError
        What can do it failed; the message has its last words.

    Examples
    --------
    >>> write_pdf("maps/report.html", "maps/report.pdf")  # doctest: +SKIP
    PosixPath('maps/report.pdf')
    """
    source, target = Path(page).resolve(), Path(path).resolve()
    converter = pdf_converter()
    if converter == "weasyprint":
        _by_weasyprint(source, target)
    else:
        _by_browser(converter, source, target)
    return Path(path)


def _by_browser(browser: str, source: Path, target: Path) -> None:
    # A profile of its own: a browser that is open already would take the order and do nothing.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            browser,
            *("--headless", "--disable-gpu", "--no-first-run", "--disable-extensions"),
            *(["--no-sandbox"] if _is_root() else []),
            f"--user-data-dir={profile}",
            "--no-pdf-header-footer",
            f"--print-to-pdf={target}",
            source.as_uri(),
        ]
        try:
            ran = subprocess.run(  # noqa: S603  (a program from PATH, our own file)
                command, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _failed(browser, str(error)) from error
    if ran.returncode or not target.is_file():
        raise _failed(browser, ran.stderr)


def _by_weasyprint(source: Path, target: Path) -> None:
    # Not a dependency: it needs libraries that pip does not bring.
    import weasyprint  # type: ignore[import-not-found, import-untyped, unused-ignore]

    try:
        weasyprint.HTML(filename=str(source)).write_pdf(str(target))
    except (OSError, ValueError) as error:
        raise _failed("WeasyPrint", str(error)) from error


def _is_root() -> bool:
    """Say whether this is the superuser, for whom browsers refuse to work in their sandbox."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _failed(what: str, said: str) -> OutputError:
    last = (said.strip().splitlines() or ["it said nothing"])[-1]
    return OutputError(
        f"the PDF could not be made by {Path(what).name}: {last} Leave out --pdf, and print "
        "report.html from your browser."
    )
