"""Pages for everybody: contrast of WCAG 2.2 level AA, names of controls, order of headings, landmarks."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from db.queries.chosen import CallFilter
from db.queries.listing import Choice, Total
from pages.ask_page import ask_page
from pages.call_page import CallContent, Sound, call_page
from pages.dashboard.page import dashboard_page
from pages.list_page import list_page
from pages.live_page import live_list_page
from pages.rendering import ASSETS, page
from pages.site import Site
from pipeline.records import Role
from tests.pages.samples import NEGATIVE, dashboard, listed_call, shown_call, shown_chunk

SHEET = (ASSETS / "reading-room.css").read_text(encoding="utf-8")
TEXT_ON = [
    ("ink", "paper"), ("ink", "card"), ("ink", "faint"), ("ink", "mark"), ("ink", "neutral-back"), ("ink", "warn-back"),
    ("soft", "paper"), ("soft", "card"), ("soft", "faint"), ("soft", "neutral-back"), ("soft", "warn-back"),
    ("soft", "mark"), ("link", "paper"), ("link", "card"), ("link", "faint"), ("link", "mark"), ("link", "warn-back"),
    ("on-link", "link"), ("client", "paper"), ("client", "mark"), ("client", "faint"), ("agent", "paper"),
    ("agent", "mark"), ("agent", "faint"), ("unknown", "paper"), ("negative", "negative-back"), ("negative", "paper"),
    ("negative", "faint"), ("positive", "positive-back"), ("positive", "paper"), ("positive", "faint"),
    ("warn", "warn-back"), ("warn", "paper"),
]  # fmt: skip
"""Colours of text and what they stand on."""
SHAPES_ON = [("negative", "paper"), ("positive", "paper"), ("neutral", "paper"), ("agent", "card"), ("focus", "paper")]


def colours(theme: int) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL)
    assert len(blocks) == 2
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", blocks[theme]))


def contrast(one: str, other: str) -> float:
    """Ratio of relative luminance, 1..21."""

    def luminance(colour: str) -> float:
        digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
        parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_ON)
def test_text_can_be_read(theme: int, text: str, ground: str) -> None:
    found = colours(theme)
    assert contrast(found[text], found[ground]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES_ON)
def test_shapes_can_be_told_from_their_ground(theme: int, shape: str, ground: str) -> None:
    found = colours(theme)
    assert contrast(found[shape], found[ground]) >= 3.0


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.tags: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs), [name for name, _ in self.open]))
        if tag not in ("meta", "link", "input", "img", "br", "line", "rect", "circle", "path"):
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass


def _pages() -> dict[str, str]:
    rich = shown_call(topic="Billing", summary="client: Hello.", agent_id="A7", flags=("clipped",), turns=3)
    chunks = [shown_chunk(0, 4, fusion_probabilities=NEGATIVE), shown_chunk(20, 22, channel=1, role=Role.AGENT)]
    sound = Sound(address="/a", waveform="/w", channels=(Role.CLIENT, Role.AGENT))
    offered = [Choice(kind="agent", value="A7", says="A7", calls=1)]
    return {
        "call": call_page(CallContent(call=rich, chunks=chunks), sound, Site()),
        "bare call": call_page(CallContent(call=shown_call(), chunks=()), Sound(address=None, why_not="gone"), Site()),
        "list": list_page([listed_call()], Total(calls=120, duration_s=9), offered, CallFilter(agent="A7"), Site()),
        "empty list": list_page([], Total(calls=0, duration_s=0), [], CallFilter(), Site()),
        "dashboard": dashboard_page(dashboard(12), offered, CallFilter(), Site(), today=date(2026, 11, 27)),
        "ask": ask_page("", None, offered, CallFilter(agent="A7"), Site()),
        "login": page("login", site=Site(alone=True), after="/", why="This token is incomplete."),
        "notice": page("notice", site=Site(), title="Not found", text="There is no such page."),
        "live": live_list_page([], Site(hears=True)),
    }


@pytest.mark.parametrize("name", list(_pages()))
def test_a_page_can_be_used_without_eyes_and_without_a_mouse(name: str) -> None:
    page = _Page(_pages()[name])
    tags = [tag for tag, _, _ in page.tags]
    assert [tags.count(one) for one in ("h1", "main", "title")] == [1, 1, 1]
    assert any(tag == "html" and attributes.get("lang") == "en" for tag, attributes, _ in page.tags)
    ids = [attributes["id"] for _, attributes, _ in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert any(tag == "a" and attributes.get("href") == "#main" for tag, attributes, _ in page.tags)
    assert "main" in ids
    for tag, attributes, above in page.tags:
        if tag in ("input", "select", "textarea") and attributes.get("type") != "hidden":
            assert "label" in above or attributes.get("aria-label"), attributes
        if tag == "img":
            assert "alt" in attributes
        if tag == "nav":
            assert attributes.get("aria-label")
        if tag == "svg":
            assert attributes.get("aria-hidden") or attributes.get("aria-label")
        if attributes.get("role") == "slider":
            assert {"tabindex", "aria-label", "aria-valuemin", "aria-valuemax", "aria-valuenow"} <= set(attributes)
        assert int(attributes.get("tabindex") or 0) <= 0
        for named in ("aria-labelledby", "aria-describedby"):
            assert attributes.get(named) is None or attributes[named] in ids
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_who_wants_no_motion_gets_none() -> None:
    assert "prefers-reduced-motion: no-preference" in SHEET
    assert "transition" not in SHEET
    assert "prefers-reduced-motion" in (ASSETS / "reading-room.js").read_text(encoding="utf-8")


def test_nothing_is_loaded_from_elsewhere() -> None:
    for path in ASSETS.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|url\(", text), path.name
