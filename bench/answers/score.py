"""Score the answers on files of questions: right, wrong, declined, speed and memory.

    python bench/answers/score.py bench/answers/own.jsonl [more.jsonl more.tsv …] [--failures] [--baselines]

A line of JSON is {"id", "text", "expect", "must": ["a|b", …], "must_not": […], "at"?, "tz"?}. *Right*: the
expected status, every `must` (one of its alternatives) in the text and no `must_not`. *Wrong*: answered
where it should not be, or answered without a `must` or with a `must_not`. *Declined*: status unknown where
an answer was expected. *Other*: small talk or panel question mistaken for one another. Case does not count.

A line of a `.tsv` is `intent[+intent]<TAB>text` (intents/README.md). *Right*: every intent that the letter
answers is among the topics of the answer; *other*: only one of two is. What the encoder was trained on in the
same words is left out.
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bot.answers import Answers
from bot.config import load, shipped
from bot.programme.model import Programme
from bot.rendering import Rendering

AT = "2025-11-20T09:00:00+00:00"
TRAINING = Path(__file__).parent / "intents" / "training.tsv"


# The intents that the letter answers; of the rest, two kinds are not "unknown".
ANSWERED = frozenset({
    "when", "local-time", "status", "registration", "cost", "participation", "venue", "page", "programme",
    "now-next", "title", "about", "organiser", "signatory", "standards", "subject", "abbreviation",
})  # fmt: skip
SMALL_TALK = frozenset({"greeting", "thanks", "goodbye", "chatter", "bot"})
PANEL = frozenset({"panel", "panel-howto"})


@dataclass(frozen=True)
class Reply:
    status: str
    text: str
    intents: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Outcome:
    line: dict
    reply: Reply
    verdict: str  # right, wrong, declined, other
    seconds: float  # of the processor: what one core needs, whatever else runs on the machine


def judge(line: dict, reply: Reply) -> str:
    """right, wrong, declined or other, as the module's first lines say."""
    if "intents" in line and reply.status == line["expect"] == "answered":
        wanted = ANSWERED.intersection(line["intents"])
        return "right" if wanted <= reply.intents else "other" if wanted & reply.intents else "wrong"
    text = reply.text.lower()
    has = all(any(part.lower() in text for part in must.split("|")) for must in line.get("must", []))
    clean = not any(part.lower() in text for part in line.get("must_not", []))
    if reply.status == line["expect"]:
        return "right" if has and clean else "wrong" if reply.status == "answered" else "other"
    if reply.status == "answered":
        return "wrong"
    return "declined" if reply.status == "unknown" else "other"


def run(lines: list[dict], ask: Callable[[dict], Reply]) -> list[Outcome]:
    outcomes = []
    for line in lines:
        started = time.process_time()
        reply = ask(line)
        outcomes.append(Outcome(line, reply, judge(line, reply), time.process_time() - started))
    return outcomes


def engine() -> Callable[[dict], Reply]:
    config = load(shipped("config.toml"))
    answers = Answers(config, Rendering(config))
    programme = Programme.from_config(config)
    gc.collect()
    gc.freeze()  # as `run` does

    def ask(line: dict) -> Reply:
        at = datetime.fromisoformat(line.get("at") or AT).astimezone(UTC)
        tz = ZoneInfo(line["tz"]) if line.get("tz") else None
        answer = answers.answer(line["text"], at=at, programme=programme, tz=tz)
        return Reply(answer.status, answer.text, frozenset(topic.split(":")[0] for topic in answer.topics))

    return ask


def expected(intents: list[str]) -> str:
    """The status that a message of these intents should get."""
    if ANSWERED.intersection(intents):
        return "answered"
    return (
        "small_talk" if intents[0] in SMALL_TALK else "panel_question" if intents[0] in PANEL else "unknown"
    )


def plain(text: str) -> str:
    """The words of a text, without marks and capitals."""
    return " ".join(re.findall(r"\w+", text.lower()))


def lines_of(file: Path) -> list[dict]:
    """The questions of a file, JSON lines or labelled."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line]
    if file.suffix != ".tsv":
        return [json.loads(line) for line in lines]
    made = []
    seen = {plain(line.partition("\t")[2]) for line in TRAINING.read_text(encoding="utf-8").splitlines()}
    for number, line in enumerate(lines, 1):
        labels, text = line.split("\t", 1)
        intents = labels.split("+")
        if plain(text) not in seen:
            made.append(
                {"id": f"{file.stem}:{number}", "text": text, "intents": intents, "expect": expected(intents)}
            )
    return made


def show(name: str, outcomes: list[Outcome], failures: bool) -> None:
    total = len(outcomes)
    print(f"\n{name}: {total} questions")
    print(f"{'expected':<16}{'all':>5}{'right':>7}{'wrong':>7}{'declined':>10}{'other':>7}{'right %':>9}")
    for expect in ("answered", "unknown", "small_talk", "panel_question"):
        some = [outcome for outcome in outcomes if outcome.line["expect"] == expect]
        if some:
            counts = Counter(outcome.verdict for outcome in some)
            print(
                f"{expect:<16}{len(some):>5}{counts['right']:>7}{counts['wrong']:>7}{counts['declined']:>10}"
                f"{counts['other']:>7}{100 * counts['right'] / len(some):>9.1f}"
            )
    wrong = sum(outcome.verdict == "wrong" for outcome in outcomes)
    times = sorted(outcome.seconds * 1000 for outcome in outcomes)
    print(
        f"wrong of all {100 * wrong / total:.1f} %   p50 {times[total // 2]:.2f} ms   "
        f"p99 {times[min(total - 1, int(total * 0.99))]:.2f} ms   slowest {times[-1]:.2f} ms   "
        f"RSS {memory():.0f} MB"
    )
    if failures:
        for outcome in outcomes:
            if outcome.verdict != "right":
                line = outcome.line
                topics = ",".join(line.get("topics", line.get("intents", [])))
                print(f"- {outcome.verdict:<9}{line['id']} [{line['expect']} {topics}] {line['text']!r}")
                if outcome.verdict == "wrong":
                    print(f"           must {line.get('must', [])} not {line.get('must_not', [])}")
                    print(f"           got {outcome.reply.text[:160]!r}")


def memory() -> float:
    """The most memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument(
        "--failures", action="store_true", help="list every question that was not answered right"
    )
    parser.add_argument("--baselines", action="store_true", help="score off-the-shelf retrieval beside it")
    options = parser.parse_args()
    lines = [line for file in options.files for line in lines_of(file)]
    ask = engine()
    ask({"text": "When is the workshop?"})  # templates compile on first use
    show("the bot", run(lines, ask), options.failures)
    if options.baselines:
        from baselines import baselines

        for name, baseline in baselines():
            show(name, run(lines, lambda line, ask=baseline: Reply(*ask(line))), failures=False)


if __name__ == "__main__":
    main()
