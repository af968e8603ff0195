"""What kind of inquiry a message is, read by a small sentence encoder.

The encoder (`data/intents-<language>.onnx`, trained by `bench/answers/train.py` on the labelled questions
beside it) gives a probability for each *intent*: a way of asking that holds for any workshop, such as
`registration` or `recording`. An answer file of that name answers it; what no file answers stays unanswered.
It reads wording only. Names, numbers, days and places are `entities`' and `premises`' business.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime

LONGEST = 64  # wordpieces of a text that are read: its first 40 and its last 24
_HEAD = 40
_PLAIN = re.compile(r"[a-z0-9]+|[^a-z0-9 ]")  # of printable ASCII
_DATA = Path(__file__).parent / "data"


class Wordpieces:
    """Cuts text into the pieces that BERT's English encoders know (lower case, no accents).

    The published tokenizer package brings a client for a model hub along; this one needs a word list.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._ids = {piece: index for index, piece in enumerate(vocabulary)}
        self._unknown = self._ids["[UNK]"]
        self._begin, self._end = self._ids["[CLS]"], self._ids["[SEP]"]

    def ids(self, text: str) -> list[int]:
        """The ids of a text with its marks of begin and end; the middle of a long text is left out."""
        found = [index for word in _words(text) for index in self._pieces(word)]
        if len(found) > LONGEST:
            found = [*found[:_HEAD], *found[_HEAD - LONGEST :]]
        return [self._begin, *found, self._end]

    def _pieces(self, word: str) -> list[int]:
        if len(word) > 100:
            return [self._unknown]
        found: list[int] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = word[start:end] if start == 0 else f"##{word[start:end]}"
                if (index := self._ids.get(piece)) is not None:
                    found.append(index)
                    start = end
                    break
            else:
                return [self._unknown]
        return found


class Intents:
    """Reads the intents of texts in one language; `labels` are all that there are."""

    def __init__(self, language: str) -> None:
        """Raises FileNotFoundError for a language that has no encoder."""
        words = (_DATA / f"intents-{language}.txt").read_text(encoding="utf-8").splitlines()
        self._wordpieces = Wordpieces(words)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        model = str(_DATA / f"intents-{language}.onnx")  # by its path: bytes would be copied once more
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.labels: tuple[str, ...] = tuple(metadata["labels"].split())

    @classmethod
    def of(cls, language: str) -> Intents | None:
        """The reader of a language, None when it has no encoder."""
        return cls(language) if (_DATA / f"intents-{language}.onnx").exists() else None

    def read(self, text: str) -> Mapping[str, float]:
        """The probability of every intent; they sum to one."""
        pieces = np.array(self._wordpieces.ids(text), dtype=np.int64)
        (found,) = self._session.run(["probabilities"], {"pieces": pieces})
        return dict(zip(self.labels, np.asarray(found).tolist(), strict=True))


def is_latin(letter: str) -> bool:
    """Whether a letter is one of the Latin alphabet, accents apart."""
    return unicodedata.normalize("NFD", letter)[0].isascii()


def _words(text: str) -> Iterator[str]:
    """Words and single marks, in lower case and without accents (BERT's basic tokenization)."""
    if text.isascii() and text.isprintable():
        yield from _PLAIN.findall(text.lower())
        return
    word = ""
    for character in unicodedata.normalize("NFD", text.lower()):
        category = unicodedata.category(character)
        if category == "Mn" or (category.startswith("C") and character not in "\t\n\r"):
            continue
        if character.isspace():
            if word:
                yield word
            word = ""
        elif category.startswith(("P", "S")) or "\u4e00" <= character <= "\u9fff":
            if word:
                yield word
            yield character
            word = ""
        else:
            word += character
    if word:
        yield word
