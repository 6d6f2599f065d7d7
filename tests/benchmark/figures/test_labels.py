"""Row names in figures: settings that all rows share are stated once, and no two rows have the same name."""

from __future__ import annotations

from benchmark.figures.style import fitted, readable
from benchmark.short_labels import shared_note, short_labels
from tests.benchmark.figures.cells import cell, drawn, pictures, rows

SHARED = " ".join(f"classifier.{name}={value}" for name, value in (("epochs", 3), ("iterations", 20)))


def legend(drawing) -> list[str]:
    (only,) = drawing.figure.legends
    return [text.get_text().replace("\n", " ") for text in only.get_texts()]


def test_what_all_rows_share_is_left_out_and_said_once():
    labels = [f"da_fusion {SHARED}", f"diagen {SHARED} diagen.strength=0.3", f"diagen {SHARED} diagen.strength=0.7"]
    assert list(short_labels(labels).values()) == ["da_fusion", "diagen strength=0.3", "diagen strength=0.7"]
    assert shared_note(labels) == (f"Settings common to all methods that have them: {SHARED}.",)


def test_a_setting_that_one_method_cannot_have_is_shared_by_the_others():
    """DA-Fusion has no prompts, so it cannot change them, but a plain run of DIAGen could have changed them."""
    changed = ["da_fusion classifier.epochs=3", "diagen classifier.epochs=3 prompts.model=x diagen.steps=9"]
    assert list(short_labels(changed).values()) == ["da_fusion", "diagen"]
    plain = [*changed, "diagen classifier.epochs=3"]
    assert list(short_labels(plain).values()) == ["da_fusion", "diagen prompts.model=x steps=9", "diagen"]


def test_a_setting_of_one_row_alone_stays_in_its_name():
    labels = ["da_fusion", "diagen classifier.epochs=3"]
    assert list(short_labels(labels).values()) == labels
    assert shared_note(labels) == ()


def test_settings_that_tell_rows_of_a_method_apart_come_first():
    labels = ["standard", "diagen classifier.epochs=3 diagen.steps=9", "diagen classifier.epochs=3 diagen.steps=8"]
    assert short_labels(labels)[labels[1]] == "diagen steps=9 classifier.epochs=3"


def test_a_cut_leaves_the_number_of_shots():
    assert readable("a b c d e f g, k = 16", 12, 1) == "a …, k = 16"
    assert readable("a b c d e f g · k = 16", 12, 1) == "a … · k = 16"


def test_names_grow_where_a_cut_would_make_them_equal():
    one, two = (" ".join(["word"] * 20 + [end]) for end in ("one", "two"))
    assert readable(one, 10, 4) == readable(two, 10, 4)
    assert [text.split()[-1] for text in fitted([one, two], 10)] == ["one", "two"]
    assert len(set(fitted(["line\nbreak", "line break"], 20))) == 2


def test_a_legend_names_what_differs_and_a_note_what_does_not():
    records = [cell(overrides=f"{SHARED} diagen.steps={steps}") for steps in (8, 9)]
    drawing = drawn("accuracy", *records, cell("da_fusion", overrides=SHARED))
    assert sorted(legend(drawing)) == ["da_fusion", "diagen steps=8", "diagen steps=9"]
    assert f"Settings common to all methods that have them: {SHARED}." in drawing.notes
    assert f"diagen {SHARED} diagen.steps=8" in drawing.data["series"]


def test_lines_of_two_numbers_of_shots_are_told_apart_however_long_their_names():
    long = " ".join(f"classifier.setting{number}={'9' * 20}" for number in range(9))
    records = [
        cell(
            shots=shots,
            parameters={"diagen.strength": str(value)},
            overrides=" ".join(part for part in (others, f"diagen.strength={value}") if part),
        )
        for value in (0.3, 0.9)
        for shots in (2, 4)
        for others in ("", long)
    ]
    names = legend(drawn("strength", *records))
    assert len(set(names)) == 4
    assert sorted(name[-5:] for name in names) == ["k = 2", "k = 2", "k = 4", "k = 4"]


def test_images_of_rows_that_differ_in_one_setting_are_named_by_it():
    sheet = pictures({"cat": [{}]})
    records = [cell(overrides=f"{SHARED} diagen.strength={value}", **sheet) for value in (0.3, 0.9)]
    drawing = drawn("images", *records)
    words = [text.get_text().replace("\n", " ") for text in drawing.figure.texts]
    assert words[-2:] == ["diagen strength=0.3", "diagen strength=0.9"]
    assert f"Settings common to all methods that have them: {SHARED}." in drawing.notes


def test_panels_of_components_are_titled_with_what_differs():
    records = [
        cell(method, components=components, overrides=f"{SHARED} classifier.views_per_image={views}")
        for views in (1, 2)
        for method, components in (("da_fusion", ""), ("diagen", "noise"))
    ]
    drawing = drawn("components", *records)
    titles = [axes.get_title() for axes in drawing.figure.axes]
    assert titles == [f"mini_focus · test\nclassifier.views_per_image={views}" for views in (1, 2)]
    assert f"Settings common to all methods that have them: {SHARED}." in drawing.notes
    assert len(rows(drawing.data)) == 2
