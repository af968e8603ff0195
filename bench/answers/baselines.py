"""Off-the-shelf retrieval on the same questions: BM25 and TF-IDF with logistic regression.

They need the extra `bench` (rank-bm25, scikit-learn), which the bot itself does not. Each is given the
answer files' topics and phrasings, and answers with the topic it puts first when its score passes a
threshold; below it, it declines. The thresholds are the ones that answer most questions of `own.jsonl`
right with at most one wrong answer in twenty. Static embeddings are left out: no package ships weights.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from bot.answers import Answers
from bot.config import load, shipped
from bot.programme.model import Programme
from bot.rendering import Rendering

BM25_THRESHOLD = 11.0
REGRESSION_THRESHOLD = 0.6

Scored = tuple[str, float]  # the topic put first, and how sure


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def bm25(phrasings: list[tuple[str, str]]) -> Callable[[str], Scored]:
    from rank_bm25 import BM25Okapi

    index = BM25Okapi([words(text) for text, _ in phrasings])

    def rank(question: str) -> Scored:
        scores = index.get_scores(words(question))
        best = int(scores.argmax())
        return phrasings[best][1], float(scores[best])

    return rank


def regression(phrasings: list[tuple[str, str]]) -> Callable[[str], Scored]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=20, max_iter=2_000)
    )
    model.fit([text for text, _ in phrasings], [topic for _, topic in phrasings])

    def rank(question: str) -> Scored:
        chances = model.predict_proba([question])[0]
        best = int(chances.argmax())
        return str(model.classes_[best]), float(chances[best])

    return rank


def baselines() -> Iterator[tuple[str, Callable[[dict], tuple[str, str]]]]:
    """Name and `ask` of each baseline; `ask` gives status and text."""
    config = load(shipped("config.toml"))
    answers = Answers(config, Rendering(config))
    programme = Programme.from_config(config)
    phrasings = [(text, topic.id) for topic in answers.topics() for text in topic.phrasings]

    def asking(rank: Callable[[str], Scored], threshold: float) -> Callable[[dict], tuple[str, str]]:
        def ask(line: dict) -> tuple[str, str]:
            topic, score = rank(line["text"])
            if score < threshold:
                return "unknown", ""
            at = datetime.fromisoformat(line.get("at") or "2025-11-20T09:00:00+00:00").astimezone(UTC)
            answer = answers.answer_topic(topic, at=at, programme=programme)
            return answer.status, answer.text

        return ask

    yield "BM25", asking(bm25(phrasings), BM25_THRESHOLD)
    yield "TF-IDF with logistic regression", asking(regression(phrasings), REGRESSION_THRESHOLD)
