"""Write what `train.py` learned as the files that the bot reads: `bot/answers/data/intents-en.{onnx,txt}`.

    python bench/answers/export.py CHECKPOINT [CHECKPOINT …]

Of several, trained with different seeds or for longer, the mean of their weights is written, which errs less
than each (Wortsman et al. 2022, arXiv:2203.05482); `shipped` is the one that is there already.
Weights are kept in eight bits. Of the word list, the pieces that English needs are kept: the frequent ones
(a BERT word list is in order of frequency), all continuations, and every piece that a question uses.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn
from train import BASE, Reader, questions

DATA = Path(__file__).parents[2] / "bot" / "answers" / "data"
FREQUENT = 8_000  # wordpieces kept whether or not a question uses them


def kept_pieces(reader: Reader) -> list[int]:
    """The ids of the wordpieces that are kept, in their order."""
    pieces = (BASE / "vocab.txt").read_text(encoding="utf-8").splitlines()
    used = {
        index for row in reader.tokenizer([text for _, text in questions()])["input_ids"] for index in row
    }
    return [
        index
        for index, piece in enumerate(pieces)
        if not piece.startswith("[unused")
        and piece.isascii()
        and (index < FREQUENT or index in used or piece.startswith("##"))
    ]


class Probabilities(nn.Module):
    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.reader(input_ids, attention_mask).softmax(dim=1)


def mean(readers: list[Reader]) -> Reader:
    states = [reader.state_dict() for reader in readers]
    readers[0].load_state_dict({key: torch.stack([s[key] for s in states]).mean(0) for key in states[0]})
    return readers[0]


def main(checkpoints: list[str]) -> None:
    reader = mean([Reader.shipped() if at == "shipped" else Reader.load(Path(at)) for at in checkpoints])
    kept = kept_pieces(reader)
    embeddings = reader.encoder.embeddings
    embeddings.word_embeddings = nn.Embedding.from_pretrained(embeddings.word_embeddings.weight[kept])
    example = (torch.ones(2, 9, dtype=torch.long), torch.ones(2, 9, dtype=torch.long))
    axes = {0: "texts", 1: "pieces"}
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder, "whole.onnx"), Path(folder, "small.onnx")
        torch.onnx.export(
            Probabilities(reader).eval(),
            example,
            str(whole),
            input_names=["input_ids", "attention_mask"],
            output_names=["probabilities"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "probabilities": {0: "texts"}},
            opset_version=17,
            dynamo=False,
        )
        quantize_dynamic(str(whole), str(small), weight_type=QuantType.QInt8)
        model = onnx.load(str(small))
    model.doc_string = (
        "Intents of inquiries about a workshop; after sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)"
    )
    onnx.helper.set_model_props(model, {"labels": " ".join(reader.labels)})
    onnx.save(model, str(DATA / "intents-en.onnx"))
    pieces = (BASE / "vocab.txt").read_text(encoding="utf-8").splitlines()
    (DATA / "intents-en.txt").write_text("\n".join(pieces[index] for index in kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
