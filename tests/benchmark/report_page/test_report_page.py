"""From cells to one HTML file: complete, self-contained, identical bytes when repeated, whatever the names are."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from benchmark.report_page import write_report
from benchmark.report_page.page import with_code
from benchmark.selection import comparable
from datasets.errors import UserError
from tests.benchmark.figures.cells import cell
from tests.benchmark.report_page.odd_cells import PROMPT, QUOTED, SCRIPT, odd_cells

VOID = {"area", "br", "hr", "img", "input", "link", "meta", "wbr"}


class Page(HTMLParser):
    """Parse a page as a browser would; collect what the tests check, and tags closed in the wrong order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.disorder: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.disorder.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(comparable(odd_cells()), tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(written: Path) -> Page:
    return Page(written.read_text(encoding="utf-8"))


def test_the_page_is_one_well_formed_file_and_nothing_is_left_beside_it(written: Path, page: Page) -> None:
    assert [path.name for path in written.parent.iterdir()] == ["report.html"]
    assert page.disorder == [] and page.open == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_address_lies_in_the_page(page: Page) -> None:
    addresses = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert addresses
    assert [address for address in addresses if not (address or "").startswith(("data:", "#"))] == []
    targets = {attributes.get("id") for _, attributes in page.tags}
    assert {address[1:] for address in addresses if address and address.startswith("#")} <= targets


def test_names_and_prompts_are_text_and_never_markup(written: Path, page: Page) -> None:
    assert SCRIPT in page.text and QUOTED in page.text
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert PROMPT not in written.read_text(encoding="utf-8")
    kinds = [attributes.get("type") for tag, attributes in page.tags if tag == "script"]
    assert kinds == ["application/json", None]


def test_headings_step_down_one_level_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_picture_has_words_for_who_does_not_see_it(page: Page) -> None:
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert pictures
    assert all(attributes["alt"] and attributes["loading"] == "lazy" for attributes in pictures)


def test_missing_figures_say_which_command_makes_them(page: Page) -> None:
    assert "ablation --what strength" in page.text


def test_what_is_missing_or_left_out_is_said(page: Page) -> None:
    assert "1 run failed" in page.text
    assert f"{SCRIPT}, 4 shots: no finished run of seed 1" in page.text
    assert "2 shots: diagen, seed 0: accuracy/uncommon is nan, counted as missing" in page.text
    values = [attributes["data-value"] for tag, attributes in page.tags if tag == "td" and "data-value" in attributes]
    assert "" in values and "nan" not in values


def test_whether_a_difference_can_be_trusted_is_said_in_words(page: Page) -> None:
    assert f"too few seeds to tell {SCRIPT} and {QUOTED} apart on uncommon (10.0 points" in page.text
    assert f"too few seeds to tell {SCRIPT} and diagen apart on test" in page.text


def test_one_seed_is_not_said_to_have_been_tested(tmp_path: Path) -> None:
    page = Page(write_report(comparable([cell("standard"), cell("diagen")]), tmp_path).read_text(encoding="utf-8"))
    assert "Too few seeds to tell any two methods apart." in page.text
    assert "No difference between two methods" not in page.text


def test_equal_cells_in_another_order_give_the_same_bytes(written: Path, tmp_path: Path) -> None:
    again = write_report(comparable(reversed(odd_cells())), tmp_path)
    assert again.read_bytes() == written.read_bytes()


def test_without_a_finished_run_one_line_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no finished run .* `python -m benchmark run`"):
        write_report(comparable([cell(status="RUNNING")]), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*report\.html"):
        write_report(comparable([cell()]), tmp_path / "file" / "folder")


def test_code_in_backticks_is_set_as_code_and_escaped() -> None:
    assert str(with_code("a & b; `run <x>`")) == "a &amp; b; <code>run &lt;x&gt;</code>"
