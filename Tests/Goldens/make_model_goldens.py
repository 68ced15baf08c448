#!/usr/bin/env python3
"""Writes the reference values of the models' tests: tiny random checkpoints and what `transformers` makes of them.

Usage: .deps/python/bin/python Tests/Goldens/make_model_goldens.py     (transformers 5.23.0, torch 2.13.0, CPU)

Each folder under Tests/Goldens/models/ is a checkpoint as transformers writes it, with golden.safetensors beside it:
inputs, and outputs in float32 with plain ("eager") attention.
"""
import os
import re
import shutil
import zlib

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
from safetensors.torch import save_file
from transformers import BlipConfig, BlipForConditionalGeneration, CLIPConfig, CLIPModel
from transformers import MinLengthLogitsProcessor, RepetitionPenaltyLogitsProcessor, TopKLogitsWarper, TopPLogitsWarper

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models")
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073])
DEVIATION = torch.tensor([0.26862954, 0.26130258, 0.27577711])


def randomise(model, std, seed):
    """Overwrites every tensor with noise: the library's own start leaves many at 0 or 1, which hides mistakes."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 0:
                continue
            r = torch.randn(p.shape, generator=torch.Generator().manual_seed(zlib.crc32(name.encode()) * 31 + seed))
            is_norm = re.search(r"(norm|LayerNorm|layrnorm)", name) and name.endswith("weight")
            p.copy_(1 + 0.1 * r if is_norm else std * r)
    model.set_attn_implementation("eager")
    return model.eval()


def images(count, side, seed):
    """Random RGB images as bytes, and as the processors' rescale and normalize make them."""
    g = torch.Generator().manual_seed(seed)
    colour = torch.randint(0, 200, (count, 1, 1, 3), generator=g)  # of its own, so that images are told apart
    raw = (colour + torch.randint(0, 56, (count, side, side, 3), generator=g)).to(torch.uint8)
    return raw, ((raw.float() * (1 / 255) - MEAN) / DEVIATION).permute(0, 3, 1, 2).contiguous()


def folder(name):
    path = os.path.join(OUT, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def put(path, golden):
    save_file({k: v.detach().clone().contiguous() for k, v in golden.items()}, os.path.join(path, "golden.safetensors"))


def greedy(model, pixels, bos, penalty):
    prompt = torch.tensor([[bos, 5, 6, 7, 3]] * len(pixels))  # generate() drops the last id
    return model.generate(pixels, input_ids=prompt, max_length=16, min_length=6, do_sample=False,
                          repetition_penalty=penalty)


def let_captions_end(model, pixels, bos):
    """Makes the end token likelier until captions of one batch end at different lengths."""
    for _ in range(60):
        model.text_decoder.cls.predictions.bias[3] += 0.1
        made = greedy(model, pixels, bos, 1.3)
        if len({int((row != 0).sum()) for row in made}) == len(pixels):
            return
    raise SystemExit("no bias lets captions end at different lengths: try another seed")


@torch.no_grad()
def blip(name, text, vision, seed, shard="1GB"):
    config = BlipConfig(
        text_config=dict(pad_token_id=0, eos_token_id=3, sep_token_id=3, bos_token_id=text["vocab_size"] - 2, **text),
        vision_config=vision)
    model = randomise(BlipForConditionalGeneration(config), 0.12, seed)
    model.tie_weights()
    raw, pixels = images(3, vision["image_size"], seed)
    bos = text["vocab_size"] - 2
    let_captions_end(model, pixels, bos)
    path = folder(name)
    model.save_pretrained(path, max_shard_size=shard)
    ids = torch.tensor([[bos, 5, 6, 7, 9, 11, 4, 20], [bos, 5, 6, 7, 20, 33, 8, 8], [bos, 8, 1, 2, 9, 40, 41, 42]])
    out = model(pixel_values=pixels, input_ids=ids, attention_mask=torch.ones_like(ids))
    golden = {"pixels": raw, "pixel_values": pixels, "vision": out.last_hidden_state, "input_ids": ids,
              "logits": out.logits}
    for label, penalty in [("greedy", 1.0), ("greedy_penalty", 1.3)]:
        golden[label] = greedy(model, pixels, bos, penalty)
    put(path, golden)


@torch.no_grad()
def clip(name, text, vision, joint, seed):
    eot = text["vocab_size"] - 1
    config = CLIPConfig(
        projection_dim=joint,
        text_config=dict(eos_token_id=eot, bos_token_id=eot - 1, pad_token_id=eot, projection_dim=joint, **text),
        vision_config=dict(projection_dim=joint, **vision))
    model = randomise(CLIPModel(config), 0.15, seed)
    path = folder(name)
    model.save_pretrained(path)
    raw, pixels = images(3, vision["image_size"], seed)
    bos, n = eot - 1, text["max_position_embeddings"]
    texts = [[bos, 3, 4, 5, eot], [bos, eot], [bos] + [7 + i for i in range(n - 2)] + [eot], [bos, 9, eot, 12, 13, eot]]
    ids = torch.tensor([t + [eot] * (n - len(t)) for t in texts])
    out = model(input_ids=ids, pixel_values=pixels)
    put(path, {
        "pixels": raw, "pixel_values": pixels, "input_ids": ids, "lengths": torch.tensor([len(t) for t in texts]),
        "image_embeds": out.image_embeds, "text_embeds": out.text_embeds,
        "cosine": out.image_embeds @ out.text_embeds.T})


@torch.no_grad()
def sampler():
    g = torch.Generator().manual_seed(11)
    logits = torch.randn(4, 50, generator=g) * 3
    logits[3] = (logits[3] * 2).round() / 2  # many ties
    history = torch.randint(0, 50, (4, 6), generator=g)
    history[0, :] = history[0, 0]
    golden = {"logits": logits, "history": history}
    penalized = RepetitionPenaltyLogitsProcessor(1.1)(history, logits.clone())
    golden["penalty"] = penalized
    golden["shortest"] = MinLengthLogitsProcessor(8, 3, device="cpu")(history, penalized.clone())
    golden["top_k"] = TopKLogitsWarper(10)(history, golden["shortest"].clone())
    golden["top_k_top_p"] = TopPLogitsWarper(0.9)(history, golden["top_k"].clone())
    golden["top_p"] = TopPLogitsWarper(0.9)(history, golden["shortest"].clone())
    put(folder("sampler"), golden)


blip("blip-even", dict(vocab_size=67, hidden_size=32, encoder_hidden_size=48, intermediate_size=64,
                       num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=40),
     dict(hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8,
          layer_norm_eps=1e-6), seed=1)
blip("blip-odd", dict(vocab_size=101, hidden_size=36, encoder_hidden_size=40, intermediate_size=52,
                      num_hidden_layers=3, num_attention_heads=3, max_position_embeddings=21),
     dict(hidden_size=40, intermediate_size=72, num_hidden_layers=1, num_attention_heads=5, image_size=30,
          patch_size=6),
     seed=1, shard="120KB")
clip("clip-even", dict(vocab_size=99, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                       max_position_embeddings=20),
     dict(hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, image_size=28,
          patch_size=7),
     joint=24, seed=5)
clip("clip-odd", dict(vocab_size=57, hidden_size=30, intermediate_size=44, num_hidden_layers=1, num_attention_heads=3,
                      max_position_embeddings=17, hidden_act="gelu"),
     dict(hidden_size=36, intermediate_size=60, num_hidden_layers=3, num_attention_heads=2, image_size=30,
          patch_size=10),
     joint=19, seed=6)
sampler()
