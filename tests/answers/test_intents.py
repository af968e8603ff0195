"""The encoder of wordings, and how it is weighed against what the words prove."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.answers.score import engine, judge, lines_of
from bot.answers.intents import LONGEST, Intents, Wordpieces
from bot.answers.judging import Match
from bot.answers.parts import Part
from bot.answers.weighing import APART, Weighing

UNSEEN = Path(__file__).parents[2] / "bench" / "answers" / "intents"
VOCABULARY = ["[UNK]", "[CLS]", "[SEP]", "when", "reg", "##ister", "?", "e", "cafe"]


@pytest.fixture(scope="module")
def intents():
    return Intents("en")


@pytest.fixture(scope="module")
def topics(answers):
    return answers._language("en").topics


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("When?", ["when", "?"]),
        ("REGISTER", ["reg", "##ister"]),
        ("Café", ["cafe"]),
        ("regx", ["[UNK]"]),
        ("e" * 101, ["[UNK]"]),
        ("\u200bwhen\x00", ["when"]),
        ("", []),
    ],
)
def test_words_are_cut_into_the_longest_pieces_known(text, pieces):
    expected = [VOCABULARY.index(piece) for piece in ["[CLS]", *pieces, "[SEP]"]]
    assert Wordpieces(VOCABULARY).ids(text) == expected


def test_reading_leaves_nothing_behind_and_tells_nobody(tmp_path):
    code = "from bot.answers.intents import Intents; Intents('en').read('When is it?')"
    home = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=home, check=True, timeout=120)
    assert list(tmp_path.rglob("*")) == []  # a runtime that reports usage keeps a file of it there


def test_of_a_long_text_the_beginning_and_the_end_are_read():
    ids = Wordpieces(VOCABULARY).ids("when " + "e " * 500 + "?")
    assert len(ids) == LONGEST + 2
    assert (ids[1], ids[-2]) == (VOCABULARY.index("when"), VOCABULARY.index("?"))


def test_likelihoods_of_a_text_sum_to_one_and_do_not_depend_on_what_was_read_before(intents):
    texts = [
        "When is it?",
        "I would like to know whether a recording will be put online afterwards, thank you",
    ]
    found = [intents.read(text) for text in texts]
    for text, likely in zip(reversed(texts), reversed(found), strict=True):
        assert sum(likely.values()) == pytest.approx(1, abs=1e-3)
        assert intents.read(text) == likely
    assert [max(likely, key=likely.get) for likely in found] == ["when", "recording"]


def test_every_intent_has_an_answer_file_or_is_known_to_have_none(intents, topics):
    answered = {topic.intent for topic in topics.values()}
    assert set(intents.labels) - answered == APART | {"off", "context"}


def weigh(topics, said, likely, **more):
    """The verdict on a part in which words name the topics `said`, as names of topics or a panel intent."""
    matches = [Match(Part([], asked=True), topics[name] if name else None, **more) for name in said]
    others = {topic.intent for topic in topics.values()} - set(likely)
    rest = {**dict.fromkeys(others, (1 - sum(likely.values())) / len(others)), **likely}
    weighing = Weighing(
        lambda intent: [topic for topic in topics.values() if topic.intent == intent],
        lambda topic: topic.front.known is not True,
        {topic.intent for topic in topics.values() if topic.front.known is True},
    )
    verdict = weighing.weigh(matches, rest)
    return verdict.panel or [match.topic.id if match.topic else None for match in verdict.matches]


@pytest.mark.parametrize(
    ("said", "likely", "verdict"),
    [
        (["cost"], {"cost": 0.9}, ["cost"]),  # both agree
        (["cost"], {"cost": 0.25, "recording": 0.4}, ["cost"]),  # words, and a likelihood that does not deny
        (["cost"], {"registration": 0.5}, ["registration"]),  # another known one is likelier
        (["cost"], {"membership": 0.45}, ["cost"]),  # not likely enough to overrule
        (["cost"], {"membership": 0.9}, ["membership"]),
        (["cost"], {"off": 0.65}, ["cost"]),  # nothing about the workshop takes more to overrule
        (["cost"], {"off": 0.95}, [None]),
        ([None], {"cost": 0.9}, ["cost"]),  # wording alone
        ([None], {"cost": 0.45}, [None]),
        ([None], {"cost": 0.48, "when": 0.48}, ["cost", "when"]),  # two in one part
        (["contact"], {"contact": 0.5, "cost": 0.3}, ["contact"]),  # unpublished wins a tie
        ([None], {"recording": 0.4}, ["recording"]),  # says better what is not known
        (["recording"], {"cost": 0.3}, ["recording"]),
        (["cost"], {"panel": 0.9}, "panel"),
        ([None], {"panel-howto": 0.8}, "panel-howto"),
        ([None], {"greeting": 0.9}, ["greeting"]),
    ],
)
def test_words_and_wording_are_weighed(topics, said, likely, verdict):
    assert weigh(topics, said, likely) == verdict


def test_what_was_declined_for_a_reason_stays_declined(topics):
    assert weigh(topics, [None], {"cost": 0.99}, vetoed=True) == [None]


@pytest.mark.parametrize(
    ("numbers", "right", "declined", "wrong"),
    [
        ((1, 2, 3), 0.94, 0.95, 0.025),
        ((4,), 0.88, 0.94, 0.03),  # as an examiner would ask
        ((5,), 0.86, 0.91, 0.045),  # by one out to mislead
    ],
)
def test_questions_kept_from_training_are_answered_declined_and_hardly_ever_wrong(
    numbers, right, declined, wrong
):
    ask = engine()
    lines = [line for number in numbers for line in lines_of(UNSEEN / f"unseen-{number}.tsv")]
    verdicts = {expect: [judge(line, ask(line)) for line in lines if line["expect"] == expect] for expect in
                ("answered", "unknown", "small_talk", "panel_question")}  # fmt: skip
    share = {expect: found.count("right") / len(found) for expect, found in verdicts.items()}
    assert share["answered"] >= right
    assert share["unknown"] >= declined
    assert sum(found.count("wrong") for found in verdicts.values()) / len(lines) <= wrong
