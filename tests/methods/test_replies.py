"""A language model's reply is read as prompts, whatever its layout."""

from __future__ import annotations

import pytest

from methods.prompts.reply import noun_pattern, prompts_in

EXPECTED = ["a photo of a <word> at night", "a photo of a red <word> in the rain"]


@pytest.mark.parametrize(
    "reply",
    [
        "1. a photo of a dog at night\n2. a photo of a red dog in the rain",
        "1) A Photo\n1) a photo of a dog at night.\n2) a photo of a red dog in the rain.",
        "Prompts with a dog:\n\n- a photo of a dog at night\n- a photo of a red dog in the rain\n\nEnjoy your dog!",
        "* **a photo of a dog at night**\n* **a photo of a red dog in the rain**",
        '1. "a photo of a dog at night"\n2. “a photo of a red dog in the rain”',
        "Here are prompts of a dog:\na photo of a dog at night\na photo of a red dog in the rain",
        '["a photo of a dog at night", "a photo of a red dog in the rain"]',
        "**1.** a photo of a dog at night\n**2.** a photo of a red dog in the rain",
        '1. **Dog night** – "a photo of a dog at night"\n2. **Rain** – "a photo of a red dog in the rain" (wet)',
        "1. **Night:** a photo of a dog at night\n2. *Rain* - a photo of a red dog in the rain",
        "### Prompt 1: a photo of a dog at night\n### Prompt 2: a photo of a red dog in the rain",
        "| # | of a dog |\n|---|:---|\n| 1 | a photo of a dog at night |\n| 2 | a photo of a red dog in the rain |",
        "1️⃣ a photo of a dog at night 🌃\n🔟 a photo of a red dog in the rain\nEnjoy your dog!",
        '{"0": "a photo of a dog at night",\n "1": "a photo of a red dog in the rain"}',
        '"0": "a photo of a dog at night",\n"1": "a photo of a red dog in the rain"',
        "{'first': 'a photo of a dog at night',\n'second': 'a photo of a red dog in the rain',}",
        '{"class": "dog", "prompts": [{"id": 0, "prompt": "a photo of a dog at night"}, {"id": 1, "prompt": '
        '"a photo of a red dog in the rain"}]}',
        '[{"prompt": "a photo of a dog at night"},\n{"prompt": "a photo of a red dog in the rain"},\n{"prompt": "a ph',
        'By the ["adjective"] pattern:\n1. a photo of a dog at night\n2. a photo of a red dog in the rain',
        '```json\n{"prompts": ["a photo of a dog at night", "a photo of a red dog in the rain"]}\n```',
        "1. a photo of a dog at night. 2. a photo of a red dog in the rain.",
        "<think>A dog?\n1. a dog</think>\n1. a photo of a dog at night\n2. a photo of a red dog in the rain",
        "A dog?\n1. a dog\n</think>\n\n1. a photo of a dog at night\n2. a photo of a red dog in the rain",
        "1. a photo of a dog at night\n2. a photo of a dog at night\n3. a photo of a red dog in the rain\n4. a cat",
        "1. a photo of a dog at night\n2. A Photo of a DOG at night!\n3. a photo of a red dog in the rain",
        "A dog:<ol><li>a photo of a dog at night</li><li>a photo of a red dog in the rain</li></ol>Enjoy your dog!",
        '<ul>\n<li id="1">a photo of a <b>dog</b> at night</li>\n<LI>a photo of a red dog in the rain\n</ul>',
        "a photo of a dog at night<br/>a photo of a red dog in&nbsp;the rain",
        "<p>A dog:</p><p>a photo of a <em>dog</em> at night</p><p>a photo of a red dog in the rain</p>",
        "<tr><td>1</td><td>a photo of a dog at night</td></tr><tr><td>a photo of a red dog in the rain</td></tr>",
        "<prompt>a photo of a dog at night</prompt><prompt>a photo of a red dog in the rain</prompt>",
        '["a photo of a <b>dog</b> at night", "a photo of a red dog in the rain"]',
    ],
)
def test_replies_in_many_layouts_are_understood(reply: str) -> None:
    assert prompts_in(reply, "dog") == EXPECTED


@pytest.mark.parametrize(
    "prompt",
    [
        'a photo of a dog with a sign: "beware of the dog"',
        "a photo of a dog - wet and muddy - on a beach",
        "a photo of a dog's bowl on a day - as they say - 'of the dog'",
        'a close-up of a dog with a "beware of the dog" sign',
        'the "old" dog on a beach – at 6:30',
        "a dog | 1990s film",
        "2 dogs in a meadow_at_night",
        "a <dog> of <1 year & more",
    ],
)
def test_quotes_and_dashes_within_a_prompt_stay(prompt: str) -> None:
    bare = prompt.removesuffix('"').removesuffix("'")
    assert prompts_in(f"1. {prompt}\n2. {prompt}.", "dog")[0] == noun_pattern("dog").sub("<word>", bare)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a photo of a Car at night", "a photo of a <word> at night"),
        ("a car beside a car", "a <word> beside a <word>"),
        ("a photo of two cars", "a photo of two cars"),
        ("a photo of a carpet", "a photo of a carpet"),
        ("a photo of a lorry", None),
    ],
)
def test_as_written_a_plural_stays_and_any_text_that_holds_the_noun_will_do(text: str, found: str | None) -> None:
    assert prompts_in(f"1. {text}", "car", "as_written") == ([found] if found else [])


def test_characters_that_html_spells_out_are_read() -> None:
    assert prompts_in("1. a dog &amp; its bowl &#8211; wet", "dog") == ["a <word> & its bowl – wet"]


@pytest.mark.parametrize("plurals", ["word", "as_written"])
@pytest.mark.parametrize(("noun", "written"), [("caf\u00e9", "cafe\u0301"), ("cafe\u0301", "caf\u00e9")])
def test_an_accent_is_the_same_letter_in_either_form_of_unicode(noun: str, written: str, plurals: str) -> None:
    assert prompts_in(f"1. a photo of a {written} at dawn", noun, plurals) == ["a photo of a <word> at dawn"]


def test_a_prompt_may_have_fifty_words() -> None:
    longest = " ".join(["a photo of a car", *["far"] * 45])
    assert prompts_in(f"1. {longest}\n2. {longest} away", "car") == [longest.replace("car", "<word>")]


@pytest.mark.parametrize("repeated", ["[", '{"a": ', "\n", "| ", "**", "<p a="])
def test_a_model_that_repeats_itself_for_ever_is_read_at_once(repeated: str) -> None:
    """Parsing again from every repetition would take an hour for so many."""
    assert prompts_in(repeated * 200_000 + "a photo of a lorry", "dog") == []


def test_lists_too_deep_to_be_read_are_no_prompts_and_do_not_hide_others() -> None:
    assert prompts_in("[" * 5000 + '"a lorry"' + "]" * 5000, "dog") == []
    assert prompts_in("[" * 90 + '\n["a photo of a dog"]', "dog") == ["a photo of a <word>"]


def test_lines_that_are_no_prompts_are_left_out() -> None:
    assert prompts_in("a dog " * 60, "dog") == []
    assert prompts_in("1. a photo of a <word> with a dog", "dog") == []
    assert prompts_in("<li>a photo of a &lt;word&gt; with a dog</li>", "dog") == []
    assert prompts_in("", "dog") == []


@pytest.mark.parametrize("plurals", ["word", "as_written"])
@pytest.mark.parametrize("character", ["\ud83d", "\x00", "\x1b", "\x7f"])
def test_a_prompt_with_half_a_character_or_a_control_character_is_unusable(character: str, plurals: str) -> None:
    """Servers send these when they cut a reply inside an emoji; a tokenizer cannot encode them."""
    assert prompts_in(f"1. a dog {character} in fog\n2. a dog 🐕 in\train", "dog", plurals) == ["a <word> in rain"]


@pytest.mark.parametrize(
    ("noun", "text", "found"),
    [
        ("car", "a photo of two Cars", "two <word>"),
        ("car", "a photo of a carrot", None),
        ("car", "a photo of a toy-car", None),
        ("mouse", "three mice", "three <word>"),
        ("knife", "some knives", "some <word>"),
        ("strawberry", "ripe strawberries", "ripe <word>"),
        ("bench", "old benches", "old <word>"),
        ("cell phone", "a cellphone", "a <word>"),
        ("cell phone", "a cell-phone", "a <word>"),
        ("cell phone", "cell phones", "<word>"),
        ("cell phone", "a phone", None),
        ("car", "the car's wheel", "the <word>'s wheel"),
    ],
)
def test_the_noun_is_found_as_a_whole_word_in_singular_and_plural(noun: str, text: str, found: str | None) -> None:
    replaced, count = noun_pattern(noun).subn("<word>", text)
    assert (count > 0) == (found is not None)
    assert (found or text) in replaced
