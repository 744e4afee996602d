"""The page in a browser: accessible in both colour schemes and at both widths, silent, and alone."""

import re

import pytest
from axe_core_python.sync_playwright import Axe

import verifier
from tests.pipeline.conftest import tiny_data, tiny_network

SCHEMES = ("light", "dark")
# Of the other pages: their colours are the report's.
LIGHT_FIRST = ("light", pytest.param("dark", marks=pytest.mark.slow))
WIDTHS = (360, 1280)
# Without it axe describes every node that passes, which takes as long as the checks themselves.
BRIEF = {"resultTypes": ["violations"]}


@pytest.fixture
def opened(browser):
    """Function (file, scheme, width) -> (page, what it asked for and said)."""
    contexts = []

    def open_page(path, scheme="light", width=1280):
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        contexts.append(context)
        page, noise = context.new_page(), []
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("request", lambda r: noise.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
        page.goto(path.resolve().as_uri())
        return page, noise

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing(opened, full_report, scheme, width):
    """Folded parts are opened first, since axe does not look inside them."""
    page, _ = opened(full_report, scheme, width)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = Axe().run(page, options=BRIEF)
    assert [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found["violations"]] == []
    assert {"color-contrast", "image-alt", "scrollable-region-focusable"} <= {p["id"] for p in found["passes"]}


def test_axe_finds_nothing_on_a_rejected_certificate(opened, rejected_report):
    page, _ = opened(rejected_report, "dark")
    assert Axe().run(page, options=BRIEF)["violations"] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_only_tables_and_plots_scroll_sideways(opened, full_report, width):
    page, _ = opened(full_report, width=width)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inside = page.evaluate(
        "[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll') && e.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert inside == 0


def test_the_page_asks_for_nothing_and_says_nothing(opened, full_report):
    """The console would name every style or image the policy refuses."""
    page, noise = opened(full_report)
    assert noise == []
    assert page.evaluate("getComputedStyle(document.querySelector('.verdict')).borderLeftWidth") == "6px"
    broken = "[...document.images].filter(i => !(i.complete && i.naturalWidth > 0)).length"
    assert page.evaluate(broken) == 0


def test_plots_follow_the_colour_scheme(opened, full_report):
    sources = [
        opened(full_report, scheme)[0].evaluate("[...document.images].map(i => i.currentSrc)") for scheme in SCHEMES
    ]
    assert all(a != b for a, b in zip(*sources, strict=True))


def test_print_is_light_even_in_a_dark_browser(opened, full_report):
    page, _ = opened(full_report, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    light = opened(full_report, "light")[0].evaluate("document.images[0].currentSrc")
    assert page.evaluate("document.images[0].currentSrc") == light


def test_the_policy_stops_what_it_should(opened, full_report, tmp_path):
    """A copy with an injected script and remote image: neither runs nor loads."""
    text = full_report.read_text("utf-8")
    attacked = tmp_path / "attacked.html"
    attack = "<script>document.title = 'owned'</script><img alt='' src='https://example.org/x.png'></main>"
    attacked.write_text(text.replace("</main>", attack), "utf-8")
    page, noise = opened(attacked)
    assert page.title() != "owned"
    assert any("Content Security Policy" in line for line in noise)


def test_regions_take_the_keyboard(opened, full_report):
    page, _ = opened(full_report, width=360)
    regions = page.locator("[role=region]")
    labels = regions.evaluate_all(
        "es => es.map(e => e.getAttribute('aria-label') || document.getElementById(e.getAttribute('aria-labelledby')).textContent)"
    )
    assert all(labels)
    assert len(set(labels)) == len(labels)
    assert all(regions.evaluate_all("es => es.map(e => e.tabIndex === 0)"))


def test_six_segments_and_seven_regions_stand_with_certified_intervals(opened, tmp_path):
    """What a reader of a default run's page sees first after the verdict."""
    widths = (2, 6, 1)
    result = verifier.certify(
        tiny_network(1, widths),
        tiny_network(2, widths),
        tiny_data(3),
        loss="logistic",
        kappa=0.01,
        out=tmp_path / "c.safetensors",
    )
    page, _ = opened(result.report(tmp_path / "c.html"))
    rows = page.locator("section[aria-labelledby=segments] tbody tr")
    assert rows.count() == 6
    interval = re.compile(r"\[\d[\d.e+-]*, \d[\d.e+-]*\]")
    assert all(interval.search(text) for text in rows.all_inner_texts())
    regions = page.locator("section[aria-labelledby=region-programs] tbody tr")
    assert regions.count() >= 7
    texts = regions.all_inner_texts()
    assert all(interval.search(text) and "VERIFIED" in text for text in texts)
    assert sum("best in its activation region: between" in text for text in texts) == regions.count()
