#!/usr/bin/env python3
"""A training step of BLIP-2's phase 2 by transformers: peer.py BATCH float32|bfloat16 STEPS ENCODER LANGUAGE_MODEL

`Blip2ForConditionalGeneration` with random weights, image encoder and language model frozen and without dropout, the Q-Former
trained with it; texts are filled up to the longest. Batch and texts are as long as ours. bfloat16: the frozen parts in bfloat16,
the Q-Former under autocast. Prints one JSON object.
"""
import json
import resource
import sys
import time

import torch
from transformers import (
    Blip2Config, Blip2ForConditionalGeneration, Blip2QFormerConfig, Blip2VisionConfig, OPTConfig, T5Config)

QUERIES = 32
OPT = {"opt-125m": (768, 12, 12), "opt-2.7b": (2560, 32, 32)}
FLAN = {"flan-t5-small": (512, 1024, 8, 6), "flan-t5-base": (768, 2048, 12, 12), "flan-t5-xl": (2048, 5120, 24, 32)}


def language_model(name):
    if name in OPT:
        width, layers, heads = OPT[name]
        return OPTConfig(hidden_size=width, word_embed_proj_dim=width, ffn_dim=4 * width, num_hidden_layers=layers,
                         num_attention_heads=heads)
    width, inner, layers, heads = FLAN[name]
    return T5Config(d_model=width, d_ff=inner, num_layers=layers, num_decoder_layers=layers, num_heads=heads,
                    feed_forward_proj="gated-gelu", tie_word_embeddings=False, vocab_size=32128, decoder_start_token_id=0)


def model(encoder, language, dtype):
    large = encoder == "vit-l"
    vision = Blip2VisionConfig(
        hidden_size=1024 if large else 1408, intermediate_size=4096 if large else 6144,
        num_hidden_layers=23 if large else 39, num_attention_heads=16, image_size=224, patch_size=14,
        hidden_act="quick_gelu" if large else "gelu")
    qformer = Blip2QFormerConfig(encoder_hidden_size=vision.hidden_size)
    config = Blip2Config(vision_config=vision.to_dict(), qformer_config=qformer.to_dict(),
                         text_config=language_model(language).to_dict(), num_query_tokens=QUERIES)
    config.image_token_index = 5
    torch.set_default_dtype(dtype)
    made = Blip2ForConditionalGeneration(config)
    torch.set_default_dtype(torch.float32)
    made.requires_grad_(False)
    made.eval()
    made.qformer.train()
    for part in (made.qformer, made.language_projection):
        part.float().requires_grad_(True)
    made.query_tokens = torch.nn.Parameter(made.query_tokens.float())
    return made


def main():
    count, dtype, steps = int(sys.argv[1]), getattr(torch, sys.argv[2]), int(sys.argv[3])
    encoder, language = sys.argv[4], sys.argv[5]
    torch.manual_seed(0)
    made = model(encoder, language, dtype)
    trained = [p for p in made.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, 1e-4, weight_decay=0.05, betas=(0.9, 0.98), fused=True)
    pixels = torch.randn(count, 3, 224, 224).to(dtype)
    texts = [[1000 + (n * 7919 + i * 104729) % 29000 for i in range(8 + n * 7 % 25)] for n in range(count)]
    images = [5] * QUERIES

    def padded(rows, filler):
        longest = max(map(len, rows))
        return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])

    if language in OPT:
        ids = padded([images + t for t in texts], 1)
        inputs = {"input_ids": ids, "attention_mask": (ids != 1).long(),
                  "labels": padded([[-100] * QUERIES + t for t in texts], -100)}
    else:
        first = [len(t) // 4 for t in texts]
        ids = padded([images + t[:n] for t, n in zip(texts, first)], 0)
        inputs = {"input_ids": ids, "attention_mask": (ids != 0).long(),
                  "labels": padded([t[n:] for t, n in zip(texts, first)], -100)}
    times, loss = [], None
    for step in range(steps + 1):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            loss = made(pixel_values=pixels, **inputs).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1)
        optimizer.step()
        if step:
            times.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"precision": sys.argv[2], "batch": count, "steps": times, "loss": loss.item(), "peak": peak}))


main()
