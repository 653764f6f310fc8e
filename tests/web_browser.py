"""A real browser for the tests: Chromium without a screen, with the network cut."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)

SWITCHES = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--v=0",
    "--hide-scrollbars", "--allow-file-access-from-files", "--virtual-time-budget=4000",
    "--force-prefers-reduced-motion",
]  # fmt: skip
#: Where Chromium itself asks for updates, the time and accounts, whatever the page.
OWN_ERRANDS = (".google.com", ".googleapis.com", ".gvt1.com")


def browse(page, tmp_path, *switches, size=(1400, 900), hash_=""):
    """Open a page; return its DOM, and what the console said and which computers were asked for."""
    log = tmp_path / "net.json"
    command = [
        CHROMIUM,
        *SWITCHES,
        f"--window-size={size[0]},{size[1]}",
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--log-net-log={log}",
    ]
    ran = subprocess.run(
        [*command, *switches, "--dump-dom", page.as_uri() + hash_],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    said = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
    hosts = set(re.findall(r'"url":"https?://([^/"]+)', log.read_text(encoding="utf-8")))
    return ran.stdout, said + sorted(host for host in hosts if not host.endswith(OWN_ERRANDS))


def asked(page, tmp_path, script, **options):
    """Run a script in a copy of the page once it is drawn; return what it returns, and the console."""
    copy = tmp_path / "asked.html"
    text = page.read_text(encoding="utf-8")
    map_ = re.search(r"technobelt\.start\((\w+),", text).group(1)
    code = (
        f"<script>(async () => {{ const map = {map_}; const wait = (ms) => new Promise((r) => setTimeout(r, ms));"
        f"const answer = await (async () => {{ {script} }})();"
        "const box = document.createElement('pre'); box.id = 'answer'; box.textContent = JSON.stringify(answer);"
        "document.body.append(box); })()</script></html>"
    )
    copy.write_text(text.replace("</html>", code), encoding="utf-8")
    dom, said = browse(copy, tmp_path, **options)
    answer = re.search(r'<pre id="answer">(.*?)</pre>', dom, re.DOTALL)
    assert answer, f"the script did not finish: {said}"
    return json.loads(
        answer.group(1)
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", "\u00a0")
        .replace("&amp;", "&")
    ), said


SWITCH = """
const toggle = (name) => [...document.querySelectorAll('.leaflet-control-layers label')]
  .find((label) => label.textContent.trim() === name).querySelector('input').click();
"""
