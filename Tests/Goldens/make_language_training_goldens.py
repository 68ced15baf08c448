#!/usr/bin/env python3
"""Writes what training tests of language models compare with: the loss of `transformers` and the gradient of every parameter.

Usage: .deps/python/bin/python Tests/Goldens/make_language_training_goldens.py     (transformers 5.23.0, torch 2.13.0, CPU)

For each checkpoint that make_language_goldens.py wrote, training.safetensors beside it: rows of tokens of different lengths,
filled up with -1, and `grad.NAME` of the mean loss over all tokens that are asked for. OPT's rows begin with the given start
token; T5's have what the encoder is given (`given`) and what the decoder writes (`texts`).
"""
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
from safetensors.torch import save_file
from transformers import OPTForCausalLM, T5ForConditionalGeneration

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "language")


def rows(*lists):
    width = max(map(len, lists))
    return torch.tensor([row + [-1] * (width - len(row)) for row in lists])


def write(name, model, values, **inputs):
    loss = model(**inputs).loss
    loss.backward()
    grads = {"grad." + key: p.grad for key, p in model.named_parameters()}
    assert all(g is not None and g.abs().max() > 0 for g in grads.values())
    save_file({k: v.detach().clone().contiguous() for k, v in (values | {"loss": loss} | grads).items()},
              os.path.join(OUT, name, "training.safetensors"))


if __name__ == "__main__":
    for name in ("opt", "opt-behind"):
        model = OPTForCausalLM.from_pretrained(os.path.join(OUT, name), attn_implementation="eager").eval()
        texts = rows([2, 10, 11, 12, 10, 11, 50, 2], [2, 20, 2], [2, 31, 32, 33, 34])
        there = texts >= 0
        labels = texts.masked_fill(~there, -100)
        write(name, model, {"texts": texts}, input_ids=texts.clamp(min=1), attention_mask=there.long(), labels=labels)
    for name in ("t5", "t5-tied"):
        model = T5ForConditionalGeneration.from_pretrained(os.path.join(OUT, name), attn_implementation="eager").eval()
        given, texts = rows([30, 31, 32, 33, 34, 1], [1], [40, 41, 1]), rows([50, 1], [60, 61, 62, 63, 1], [70, 71, 1])
        write(name, model, {"given": given, "texts": texts}, input_ids=given.clamp(min=0),
              attention_mask=(given >= 0).long(), labels=texts.masked_fill(texts < 0, -100))
