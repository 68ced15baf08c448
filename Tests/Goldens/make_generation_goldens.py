#!/usr/bin/env python3
"""Writes the reference values of generation's tests: whole tiny models of BLIP-2 with a language model, as transformers writes
them with their processors, and the texts that it generates.

Usage: .deps/python/bin/python Tests/Goldens/make_generation_goldens.py     (transformers 5.23.0, torch 2.13.0, CPU)

Tests/Goldens/generation/opt and .../t5 are folders of the hub's layout; golden.json beside them has, for three images and
prompts of different lengths in one batch, ids (new ones only, up to and with the end token), scores and texts: greedy, by five
beams at three penalties of length, and without a prompt. The images are made by a formula that the tests have too.
"""
import json
import os
import shutil

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import numpy as np
import torch
from PIL import Image
from torch import nn
from transformers import AutoTokenizer, Blip2Processor, BlipImageProcessor, OPTConfig, T5Config

from make_phase_two_goldens import QUERIES, build, noise

HERE = os.path.dirname(os.path.abspath(__file__))
PROMPTS = ["a photo of", "Question: what colour is the bus? Short answer:", ""]
NEW = 9


def image(number):
    i = np.arange(28 * 28 * 3)
    return Image.fromarray(((i * (13 + 8 * number) + i // 84 * 29) % 256).astype(np.uint8).reshape(28, 28, 3))


def texts(model, tokenizer, pixels, prompts, pads_left):
    """What is generated in every way, each text up to and with its end token."""
    ids = [tokenizer(prompt).input_ids for prompt in prompts]
    longest, end = max(map(len, ids)), model.config.text_config.eos_token_id
    fill = [[0] * (longest - len(row)) for row in ids]
    rows = [f + row if pads_left else row + f for f, row in zip(fill, ids)]
    there = [f + [1] * len(row) if pads_left else [1] * len(row) + f for f, row in zip(fill, ids)]
    given = dict(
        pixel_values=pixels, input_ids=torch.tensor([[model.config.image_token_index] * QUERIES + row for row in rows]),
        attention_mask=torch.tensor([[1] * QUERIES + row for row in there]), max_new_tokens=NEW, do_sample=False,
        return_dict_in_generate=True, output_scores=True)
    made = {}
    for name, options in [("greedy", {}), ("greedy_min5", {"min_new_tokens": 5})] + [
            (f"beams_{penalty}", {"num_beams": 5, "num_return_sequences": 3, "length_penalty": float(penalty)})
            for penalty in (-1, 0, 1)]:
        out = model.generate(**given, **options)
        new = out.sequences[:, 1:] if model.config.text_config.model_type == "t5" else out.sequences
        if model.config.text_config.model_type == "opt" and new.shape[1] > NEW:
            new = new[:, given["input_ids"].shape[1]:]
        new = [row[:row.index(end) + 1] if end in row else row for row in new.tolist()]
        made[name] = {"ids": new, "texts": [tokenizer.decode(row, skip_special_tokens=True).strip() for row in new]}
        if "num_beams" in options:
            made[name]["scores"] = out.sequences_scores.tolist()
    return made


def put(name, config, tokenizer, boost, head_scale=None):
    """The first model whose texts differ with the image and end at several lengths."""
    for seed in range(1, 60):
        if attempt(name, config, tokenizer, seed, boost, head_scale):
            return
    raise SystemExit(f"{name}: no model writes texts that are worth comparing")


def attempt(name, config, tokenizer, seed, boost, head_scale):
    path = os.path.join(HERE, "generation", name)
    shutil.rmtree(path, ignore_errors=True)
    processor = Blip2Processor(
        BlipImageProcessor(size={"height": 28, "width": 28}), AutoTokenizer.from_pretrained(
            os.path.join(HERE, "tokenizers", tokenizer)), num_query_tokens=QUERIES)
    tokenizer = processor.tokenizer
    config.vocab_size = len(tokenizer) + 3
    if name == "opt":
        config.eos_token_id = tokenizer("\n").input_ids[-1]
    model = build(config, tokenizer.convert_tokens_to_ids("<image>"), seed)
    with torch.no_grad():
        if head_scale:
            model.language_model.lm_head.weight = nn.Parameter(head_scale * noise(config.vocab_size, 24, seed=seed + 1))
        else:
            model.tie_weights()
        table = model.language_model.lm_head.weight
        table[config.eos_token_id] *= boost  # texts that end
        table[len(tokenizer):] = 0  # what is no token is written by nobody
        for part in model.qformer.encoder.layer:  # queries that look at something
            if part.has_cross_attention:
                part.crossattention.attention.value.weight.mul_(6)
        model.language_projection.weight.mul_(3)
        pixels = processor.image_processor([image(n) for n in range(3)], return_tensors="pt")["pixel_values"]
        made = texts(model, tokenizer, pixels, PROMPTS, name == "opt")
        others = texts(model, tokenizer, pixels.roll(1, 0), PROMPTS, name == "opt")
        lengths = {way: {len(row) for row in made[way]["ids"]} for way in made}
        if made["greedy"]["ids"] == others["greedy"]["ids"] or made["greedy"] == made["greedy_min5"] or min(
                len(found) for found in lengths.values()) < 2 or made["beams_-1"]["ids"] == made["beams_1"]["ids"]:
            return False
        golden = {"prompts": PROMPTS, "new": NEW, "made": made}
    model.save_pretrained(path)
    processor.save_pretrained(path)
    os.remove(os.path.join(path, "chat_template.jinja")) if os.path.exists(
        os.path.join(path, "chat_template.jinja")) else None
    if head_scale:  # transformers ties T5's head when it writes the file
        from safetensors.torch import load_file, save_file
        file = os.path.join(path, "model.safetensors")
        tensors = load_file(file) | {"language_model.lm_head.weight": table.detach().contiguous()}
        save_file(tensors, file, metadata={"format": "pt"})
    for way, made in golden["made"].items():
        print(name, way, [len(row) for row in made["ids"]], made["texts"][:3])
    with open(os.path.join(path, "golden.json"), "w") as file:
        json.dump(golden, file, ensure_ascii=False, indent=1)
    return True


if __name__ == "__main__":
    put("opt", OPTConfig(
        hidden_size=24, word_embed_proj_dim=24, ffn_dim=48, num_hidden_layers=2, num_attention_heads=3,
        max_position_embeddings=96, dropout=0.0, attention_dropout=0.0, pad_token_id=1, bos_token_id=2), "opt", 3.0)
    put("t5", T5Config(
        d_model=24, d_kv=8, d_ff=40, num_layers=2, num_decoder_layers=2, num_heads=3, feed_forward_proj="gated-gelu",
        tie_word_embeddings=False, dropout_rate=0.0, relative_attention_num_buckets=8, relative_attention_max_distance=12,
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=1), "t5-lists", 2.5, head_scale=0.5)
