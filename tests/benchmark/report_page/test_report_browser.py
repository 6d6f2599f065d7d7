"""The page in a real browser: sorting, filtering, images by keyboard, narrow and dark modes, no outside requests."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from benchmark.report_page import write_report
from benchmark.selection import comparable
from tests.benchmark.figures.cells import cell
from tests.benchmark.leaderboard_cells import predictions
from tests.benchmark.report_page.odd_cells import PROMPT, QUOTED, SCRIPT, odd_cells

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        why = "chromium and chromedriver are not on the PATH (Debian: apt install chromium chromium-driver)"
        pytest.fail(why) if os.environ.get("REQUIRE_BROWSER") else pytest.skip(why)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(comparable(odd_cells()), tmp_path_factory.mktemp("report")).as_uri()


@pytest.fixture
def page(browser: webdriver.Chrome, address: str) -> Iterator[webdriver.Chrome]:
    """The page, freshly loaded at desktop width; afterwards the browser console must have logged nothing."""
    browser.get("about:blank")
    browser.get_log("browser"), browser.get_log("performance")
    _show(browser)
    browser.get(address)
    yield browser
    assert browser.get_log("browser") == []


def _show(browser: webdriver.Chrome, width: int = 1280, scheme: str = "light", media: str = "") -> None:
    screen = {"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def _heading(page: webdriver.Chrome, title: str) -> Any:
    headings = page.find_elements(By.CSS_SELECTOR, "#leaderboard-table thead th")
    return next(heading for heading in headings if heading.text.startswith(title))


def _column(page: webdriver.Chrome, title: str) -> list[str]:
    """The column's texts in the visible rows, without intervals and stars."""
    script = """
        const place = arguments[0].cellIndex;
        const rows = [...document.querySelectorAll("#leaderboard-table tbody tr")].filter((row) => row.offsetParent);
        const text = (row) => row.cells[place].innerText.replace("★", "").replace("best:", "").trim();
        return rows.map((row) => text(row).split("\\n")[0]);
    """
    return list(page.execute_script(script, _heading(page, title)))


def _fact(page: webdriver.Chrome, name: str) -> str:
    terms = page.find_elements(By.CSS_SELECTOR, ".facts dl > div")
    return next(term.find_element(By.TAG_NAME, "dd").text for term in terms if term.text.startswith(name))


def test_a_press_on_a_heading_sorts_and_says_so(page: webdriver.Chrome) -> None:
    _heading(page, "Uncommon").find_element(By.TAG_NAME, "button").click()
    assert _heading(page, "Uncommon").get_attribute("aria-sort") == "descending"
    shown = _column(page, "Uncommon")
    known = [float(value) for value in shown if value != "–"]
    assert known == sorted(known, reverse=True) and len(set(known)) > 1
    assert shown[-1] == "–"

    _heading(page, "Uncommon").find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert _heading(page, "Uncommon").get_attribute("aria-sort") == "ascending"
    turned = _column(page, "Uncommon")
    assert [float(value) for value in turned if value != "–"] == sorted(known)
    assert turned[-1] == "–"


def test_only_one_heading_is_sorted_by_and_names_start_with_the_first_letter(page: webdriver.Chrome) -> None:
    _heading(page, "Test").find_element(By.TAG_NAME, "button").click()
    _heading(page, "Method").find_element(By.TAG_NAME, "button").click()
    sorted_by = page.find_elements(By.CSS_SELECTOR, "th[aria-sort]")
    assert [(heading.text[:6], heading.get_attribute("aria-sort")) for heading in sorted_by] == [
        ("Method", "ascending")
    ]
    assert _column(page, "Method")[-1] == "standard"


def test_filters_hide_what_does_not_fit_and_count_the_rest(page: webdriver.Chrome) -> None:
    everything = len(_column(page, "Method"))
    form = page.find_element(By.CSS_SELECTOR, "form[data-table=leaderboard-table]")
    status = form.find_element(By.CSS_SELECTOR, "[role=status]")
    form.find_element(By.NAME, "method").send_keys("<SCRIPT>")
    assert _column(page, "Method") == [SCRIPT] * 2
    Select(form.find_element(By.NAME, "shots")).select_by_visible_text("4")
    assert _column(page, "Shots") == ["4"]
    assert status.text == f"1 of {everything} lines fits"
    Select(form.find_element(By.NAME, "dataset")).select_by_visible_text("pets")
    assert _column(page, "Method") == [] and status.text == f"None of {everything} lines fit"


def test_an_image_says_how_it_was_made_once_the_keyboard_reaches_it(page: webdriver.Chrome) -> None:
    page.find_element(By.CSS_SELECTOR, ".guides input").send_keys(Keys.TAB)
    first = page.switch_to.active_element
    assert first.get_attribute("aria-current") == "true"
    assert _fact(page, "Prompt") == PROMPT
    facts = [_fact(page, name) for name in ("Noise", "Strength", "Guidance", "Weight")]
    assert facts == ["0.02", "0.7", "4", "0.25"]
    assert PROMPT in (first.get_attribute("aria-label") or "")

    first.send_keys(Keys.TAB)
    assert _fact(page, "Prompt") == "a photo by night"
    assert _fact(page, "Noise") == "–"


def test_the_mouse_shows_the_same_and_another_class_has_its_own_images(page: webdriver.Chrome) -> None:
    images = page.find_elements(By.CSS_SELECTOR, ".synthetic button")
    assert len(images) == 2
    webdriver.ActionChains(page).move_to_element(images[1]).perform()
    assert _fact(page, "Prompt") == "a photo by night"
    Select(page.find_element(By.CSS_SELECTOR, "#explorer [name=class]")).select_by_visible_text("dog")
    assert len(page.find_elements(By.CSS_SELECTOR, ".synthetic button")) == 4


def test_a_tile_shows_its_own_part_of_the_picture(page: webdriver.Chrome) -> None:
    """Each of the eight tiles has its own colour; the second image is tile 2, the last in the first row of three."""
    image = page.find_elements(By.CSS_SELECTOR, ".synthetic .tile")[1]
    read = """
        const style = getComputedStyle(arguments[0]), done = arguments[1];
        const picture = new Image();
        picture.onload = () => done([style.backgroundPosition, style.backgroundSize, picture.width, picture.height]);
        picture.src = style.backgroundImage.slice(5, -2);
    """
    assert page.execute_async_script(read, image) == ["100% 0%", "300% 300%", 12, 12]


def test_nothing_comes_from_outside_the_file(page: webdriver.Chrome, address: str) -> None:
    page.execute_script("for (const image of document.images) image.loading = 'eager'")
    decoded = "Promise.all([...document.images].map((image) => image.decode())).then(() => arguments[0](true))"
    assert page.execute_async_script(decoded)
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert address in asked
    assert [url for url in asked if url != address and not url.startswith(("data:", "blob:", "about:"))] == []


def test_no_name_became_markup(page: webdriver.Chrome) -> None:
    assert QUOTED in _column(page, "Method")
    assert page.execute_script("return document.querySelectorAll('main script:not([type])').length") == 0


@pytest.mark.parametrize("width", [360, 768])
def test_a_narrow_page_does_not_scroll_sideways(page: webdriver.Chrome, width: int) -> None:
    _show(page, width)
    page.execute_script("for (const fold of document.querySelectorAll('details')) fold.open = true")
    wide = page.execute_script("return [document.documentElement.scrollWidth, document.body.scrollWidth]")
    assert max(wide) <= width


def test_a_desk_shows_all_columns_beside_labels_of_many_settings(page: webdriver.Chrome, tmp_path: Path) -> None:
    settings = (
        "classifier.epochs=3 classifier.learning_rate=0.05 classifier.views_per_image=2 prompts.word_list=general"
    )
    tables = {f"predictions_{name}": predictions(60, 40) for name in ("test", "uncommon")}
    metrics = {"accuracy/uncommon": 0.4, "precision/class_mean": 0.5, "recall/class_mean": 0.5, "seconds/all": 1000.0}
    records = [cell(name, overrides=settings, metrics=metrics, tables=tables) for name in ("standard", "diagen")]
    page.get(write_report(comparable(records), tmp_path).as_uri())
    _show(page, 1200)
    table = page.find_element(By.CSS_SELECTOR, "#leaderboard .scroll")
    assert "over images" in table.text
    shown, whole = (int(table.get_property(name) or 0) for name in ("clientWidth", "scrollWidth"))
    assert whole <= shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page: webdriver.Chrome, scheme: str) -> None:
    """WCAG AA: a contrast of 4.5:1 for every text colour on every background, in both colour schemes."""
    _show(page, scheme=scheme)
    names = ("text", "muted", "accent", "ground", "raised", "best")
    style = (
        "const s = getComputedStyle(document.documentElement); return arguments[0].map((n) => s.getPropertyValue(n))"
    )
    text, muted, accent, *grounds = page.execute_script(style, [f"--{name}" for name in names])
    assert (_luminance(grounds[0]) < 0.1) == (scheme == "dark")
    painted = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert painted == "rgb({}, {}, {})".format(*_channels(grounds[0]))
    ratios = [_contrast(colour, ground) for colour in (text, muted, accent) for ground in grounds]
    assert min(ratios) >= 4.5


def test_without_scripts_it_is_a_page_of_plain_tables(page: webdriver.Chrome, address: str) -> None:
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.get(address)
        assert page.find_element(By.ID, "leaderboard-table").is_displayed()
        assert not page.find_element(By.CSS_SELECTOR, "form.filters").is_displayed()
        assert "needs JavaScript" in page.find_element(By.TAG_NAME, "noscript").text
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def _channels(colour: str) -> list[int]:
    return [int(pair, 16) for pair in re.findall("[0-9a-f]{2}", colour.strip())]


def _luminance(colour: str) -> float:
    shares = [channel / 255 for channel in _channels(colour)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)
