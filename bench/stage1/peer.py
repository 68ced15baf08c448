#!/usr/bin/env python3
"""A training step of BLIP-2's phase 1 in PyTorch, as LAVIS computes it: peer.py BATCH float32|bfloat16 STEPS [vit-l|vit-g]

Texts are filled up to 32 tokens, the image's keys and values are made for every row, and the head of the language model
sees every token, as in `Blip2Qformer.forward`. Attention and the optimizer are PyTorch's fastest. The frozen encoder has 23
of ViT-L's 24 blocks, or 39 of ViT-g's 40. bfloat16: an encoder in bfloat16, the rest under autocast. Weights are random;
batch and texts are as long as ours. Prints one JSON object.
"""
import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
from transformers import CLIPVisionConfig, CLIPVisionModel

WIDTH, HEADS, INNER, WORDS, QUERIES, TOKENS = 768, 12, 3072, 30523, 32, 32


class Attention(nn.Module):
    def __init__(self, inputs=WIDTH):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(WIDTH, WIDTH), nn.Linear(inputs, WIDTH), nn.Linear(inputs, WIDTH)
        self.out, self.norm, self.drop = nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH, 1e-12), nn.Dropout(0.1)

    def forward(self, x, seen, mask=None, past=None):
        def split(y):
            return y.view(y.shape[0], -1, HEADS, WIDTH // HEADS).transpose(1, 2)

        q, k, v = split(self.q(x)), split(self.k(seen)), split(self.v(seen))
        own = (k, v)
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        o = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=0.1)
        return self.norm(self.drop(self.out(o.transpose(1, 2).reshape(x.shape))) + x), own


class FeedForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.norm, self.drop = nn.LayerNorm(WIDTH, 1e-12), nn.Dropout(0.1)

    def forward(self, x):
        return self.norm(self.drop(self.down(F.gelu(self.up(x)))) + x)


class Layer(nn.Module):
    def __init__(self, number, image_width):
        super().__init__()
        self.own = Attention()
        self.cross = Attention(image_width) if number % 2 == 0 else None
        self.queries, self.text = FeedForward(), FeedForward()

    def forward(self, x, count, mask, image, past):
        x, own = self.own(x, x, mask, past)
        q, t = x[:, :count], x[:, count:]
        parts = []
        if count:
            if self.cross is not None:
                q, _ = self.cross(q, image)
            parts.append(self.queries(q))
        if t.shape[1]:
            parts.append(self.text(t))
        return torch.cat(parts, 1) if len(parts) > 1 else parts[0], own


class QFormer(nn.Module):
    def __init__(self, image_width):
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, WIDTH), nn.Embedding(512, WIDTH)
        self.norm, self.drop = nn.LayerNorm(WIDTH, 1e-12), nn.Dropout(0.1)
        self.layers = nn.ModuleList(Layer(i, image_width) for i in range(12))
        self.query = nn.Parameter(torch.randn(1, QUERIES, WIDTH) * 0.02)
        self.image_norm = nn.LayerNorm(image_width)
        self.image_head, self.text_head = nn.Linear(WIDTH, 256), nn.Linear(WIDTH, 256)
        self.match_head, self.temperature = nn.Linear(WIDTH, 2), nn.Parameter(torch.tensor(0.07))
        self.transform, self.transform_norm = nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH, 1e-12)
        self.bias = nn.Parameter(torch.zeros(WORDS))
        for parameter in self.parameters():
            if parameter.ndim == 2:
                nn.init.normal_(parameter, std=0.02)

    def run(self, query, ids, mask, image, past=None):
        parts = [] if query is None else [query]
        if ids is not None:
            parts.append(self.words(ids) + self.places.weight[:ids.shape[1]])
        x = self.drop(self.norm(torch.cat(parts, 1) if len(parts) > 1 else parts[0]))
        made = []
        for i, layer in enumerate(self.layers):
            x, own = layer(x, 0 if query is None else QUERIES, mask, image, None if past is None else past[i])
            made.append(own)
        return x, made

    def forward(self, states, ids, used):
        count, length = ids.shape
        image = self.image_norm(states)
        looked, past = self.run(self.query.expand(count, -1, -1), None, None, image)
        read, _ = self.run(None, ids, used[:, None, None, :].bool(), None)
        images, texts = F.normalize(self.image_head(looked), dim=-1), F.normalize(self.text_head(read[:, 0]), dim=-1)
        similarity = torch.einsum("iqd,td->itq", images, texts).amax(-1) / self.temperature
        own = torch.arange(count)
        itc = (F.cross_entropy(similarity, own, label_smoothing=0.1)
               + F.cross_entropy(similarity.t(), own, label_smoothing=0.1)) / 2
        with torch.no_grad():
            weights = similarity.float().softmax(1) + 1e-4
            weights.fill_diagonal_(0)
            image_of = torch.multinomial(weights.t(), 1)[:, 0]
            text_of = torch.multinomial(weights, 1)[:, 0]
        image3, ids3 = torch.cat([image, image[image_of], image]), torch.cat([ids, ids, ids[text_of]])
        used3 = torch.cat([used, used, used[text_of]])
        mask = torch.cat([torch.ones(3 * count, QUERIES, dtype=torch.bool), used3.bool()], 1)[:, None, None, :]
        matched, _ = self.run(self.query.expand(3 * count, -1, -1), ids3, mask, image3)
        labels = torch.cat([torch.ones(count), torch.zeros(2 * count)]).long()
        itm = F.cross_entropy(self.match_head(matched[:, :QUERIES]).mean(1).float(), labels)
        inputs = ids.clone()
        inputs[:, 0] = WORDS - 1
        causal = torch.ones(length, length, dtype=torch.bool).tril()[None, None] & used[:, None, None, :].bool()
        causal = torch.cat([torch.ones(count, 1, length, QUERIES, dtype=torch.bool), causal], -1)
        written, _ = self.run(None, inputs, causal, None, past)
        logits = F.linear(self.transform_norm(F.gelu(self.transform(written[:, :-1]))), self.words.weight, self.bias)
        targets = ids[:, 1:].masked_fill(used[:, 1:] == 0, -100).reshape(-1)
        return itc, itm, F.cross_entropy(logits.reshape(-1, WORDS).float(), targets, label_smoothing=0.1)


def encoder(name, dtype):
    large = name == "vit-l"
    config = CLIPVisionConfig(
        hidden_size=1024 if large else 1408, intermediate_size=4096 if large else 6144, image_size=224, patch_size=14,
        num_hidden_layers=23 if large else 39, num_attention_heads=16, hidden_act="quick_gelu" if large else "gelu")
    torch.set_default_dtype(dtype)
    model = CLIPVisionModel(config).eval()
    torch.set_default_dtype(torch.float32)
    return model.requires_grad_(False), config.hidden_size


def main():
    count, dtype, steps = int(sys.argv[1]), getattr(torch, sys.argv[2]), int(sys.argv[3])
    torch.manual_seed(0)
    vision, width = encoder(sys.argv[4] if len(sys.argv) > 4 else "vit-l", dtype)
    model = QFormer(width).train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, weight_decay=0.05, betas=(0.9, 0.98), fused=True)
    pixels, ids = torch.randn(count, 3, 224, 224), torch.randint(1000, 30000, (count, TOKENS))
    lengths = torch.tensor([8 + number * 7 % 25 for number in range(count)])
    used = (torch.arange(TOKENS)[None] < lengths[:, None]).long()
    ids = ids * used
    runs = []
    for _ in range(steps + 1):
        marks = [time.perf_counter()]
        with torch.no_grad():
            states = vision(pixel_values=pixels.to(dtype), output_hidden_states=True).hidden_states[-1].float()
        marks.append(time.perf_counter())
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            losses = model(states, ids, used)
        marks.append(time.perf_counter())
        sum(losses).backward()
        marks.append(time.perf_counter())
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        marks.append(time.perf_counter())
        runs.append([b - a for a, b in zip(marks, marks[1:])])
    runs = runs[1:]
    with open("/proc/self/status") as file:
        peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024
    names = ["encoder", "forward", "backward", "optimizer"]
    parts = {name: sorted(run[i] for run in runs)[len(runs) // 2] for i, name in enumerate(names)}
    print(json.dumps({
        "precision": sys.argv[2], "batch": count, "steps": [sum(run) for run in runs], "parts": parts, "peak": peak,
        "trainedParameters": sum(p.numel() for p in model.parameters()),
        "losses": dict(zip(("itc", "itm", "itg"), (x.item() for x in losses)))}))


main()
