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
from torch.nn import functional
from train import ATTENTION, BASE, SHARPNESS, Reader, questions

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


class OneText(nn.Module):
    """Wordpieces of one text to the probabilities of the intents.

    What the library's own encoder does, without its mask and shapes of many texts at once, which take a
    seventh of the time; queries, keys and values are one product.
    """

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader
        words = reader.encoder.embeddings
        with torch.no_grad():  # of the kinds of text there is one only: its vector goes with the places
            words.position_embeddings.weight += words.token_type_embeddings.weight[0]
        for layer in self.reader.encoder.encoder.layer:
            parts = [getattr(layer.attention.self, part) for part in ATTENTION]
            whole = nn.Linear(parts[0].in_features, sum(part.out_features for part in parts))
            whole.weight = nn.Parameter(torch.cat([part.weight for part in parts]))
            whole.bias = nn.Parameter(torch.cat([part.bias for part in parts]))
            layer.attention.whole = whole

    def forward(self, pieces: torch.Tensor) -> torch.Tensor:
        encoder, heads = self.reader.encoder, self.reader.encoder.config.num_attention_heads
        words = encoder.embeddings
        places = words.position_embeddings.weight[: pieces.shape[0]]
        made = words.LayerNorm(words.word_embeddings(pieces) + places)
        for layer in encoder.encoder.layer:
            size = made.shape[-1] // heads
            sought, keys, values = layer.attention.whole(made).view(-1, 3, heads, size).permute(1, 2, 0, 3)
            weights = (sought @ keys.transpose(1, 2) * size**-0.5).softmax(-1)
            seen = (weights @ values).transpose(0, 1).reshape(-1, heads * size)
            made = layer.attention.output.LayerNorm(made + layer.attention.output.dense(seen))
            inner = functional.gelu(layer.intermediate.dense(made))
            made = layer.output.LayerNorm(made + layer.output.dense(inner))
        sentence = functional.normalize(made.mean(0), dim=-1)
        directions = functional.normalize(self.reader.directions.weight, dim=-1)
        return (SHARPNESS * sentence @ directions.T).softmax(-1)


def mean(readers: list[Reader]) -> Reader:
    states = [reader.state_dict() for reader in readers]
    readers[0].load_state_dict({key: torch.stack([s[key] for s in states]).mean(0) for key in states[0]})
    return readers[0]


def main(checkpoints: list[str]) -> None:
    reader = mean([Reader.shipped() if at == "shipped" else Reader.load(Path(at)) for at in checkpoints])
    kept = kept_pieces(reader)
    embeddings = reader.encoder.embeddings
    embeddings.word_embeddings = nn.Embedding.from_pretrained(embeddings.word_embeddings.weight[kept])
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder, "whole.onnx"), Path(folder, "small.onnx")
        torch.onnx.export(
            OneText(reader).eval(),
            (torch.ones(9, dtype=torch.long),),
            str(whole),
            input_names=["pieces"],
            output_names=["probabilities"],
            dynamic_axes={"pieces": {0: "pieces"}},
            opset_version=17,
            dynamo=False,
        )
        quantize_dynamic(str(whole), str(small), per_channel=True, weight_type=QuantType.QInt8)
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
