#!/usr/bin/env python3
"""Writes the reference values of phase 2's tests: tiny random checkpoints of BLIP-2 with a language model, and what
`transformers` makes of them.

Usage: .deps/python/bin/python Tests/Goldens/make_phase_two_goldens.py     (transformers 5.23.0, torch 2.13.0, CPU)

Tests/Goldens/blip2/opt and .../t5 are checkpoints as transformers writes them, with golden.safetensors beside them: pixels,
texts of different lengths, the loss behind the queries, and the gradient of every tensor that phase 2 or fine-tuning trains, in
float32 with plain ("eager") attention and without dropout; and ids that are generated behind prompts of different lengths.
Tests/Goldens/blip2/questions is the same of InstructBLIP, whose
Q-Former reads a question beside its queries, by the names of a BLIP-2 that reads one.
"""
import os
import re
import shutil
import zlib

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import (
    Blip2Config, Blip2ForConditionalGeneration, InstructBlipConfig, InstructBlipForConditionalGeneration, OPTConfig, T5Config)

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "blip2")
QUERIES = 5
VISION = dict(hidden_size=40, intermediate_size=72, num_hidden_layers=2, num_attention_heads=4, image_size=28, patch_size=7)
QFORMER = dict(hidden_size=32, num_hidden_layers=4, num_attention_heads=4, intermediate_size=48, cross_attention_frequency=2,
               encoder_hidden_size=40, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def noise(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def randomise(model, seed):
    with torch.no_grad():
        for name, p in model.named_parameters():
            r = noise(*p.shape, seed=zlib.crc32(name.encode()) * 31 + seed)
            is_norm = re.search(r"(norm|LayerNorm)", name) and name.endswith("weight")
            p.copy_(1 + 0.1 * r if is_norm else 0.12 * r)
    model.eval()


def build(text, image_token, seed):
    """A model of which every tensor is noise: the library's own start leaves many at 0 or 1, which hides mistakes."""
    config = Blip2Config(text_config=text.to_dict(), num_query_tokens=QUERIES, image_token_index=image_token,
                         vision_config=VISION, qformer_config=QFORMER)
    config._attn_implementation = "eager"
    model = Blip2ForConditionalGeneration(config)
    randomise(model, seed)
    return model


def put(name, model, golden, **extra):
    path = os.path.join(OUT, name)
    shutil.rmtree(path, ignore_errors=True)
    model.save_pretrained(path)
    os.remove(os.path.join(path, "generation_config.json"))
    if extra:
        file = os.path.join(path, "model.safetensors")
        save_file(load_file(file) | {k: v.detach().contiguous() for k, v in extra.items()}, file, metadata={"format": "pt"})
    for key, p in model.named_parameters():
        if p.grad is not None and re.match(r"(query_tokens|qformer|language_projection|vision_model)", key):
            golden["grad." + key] = p.grad
    save_file({k: v.detach().clone().contiguous() for k, v in golden.items()}, os.path.join(path, "golden.safetensors"))


@torch.no_grad()
def generated(model, pixels, prompts, pad, **options):
    """What is generated behind `prompts`, which are filled up between queries and text where they are on the left."""
    ids = torch.cat([torch.full((len(prompts), QUERIES), model.config.image_token_index), prompts], 1)
    given = dict(pixel_values=pixels[:len(prompts)], input_ids=ids, attention_mask=(ids != pad).long(), max_new_tokens=6,
                 do_sample=False, **options)
    made = {f"gen.beam5_lp{penalty}": model.generate(**given, num_beams=5, length_penalty=penalty)
            for penalty in (-1.0, 0.0, 1.0)}
    return {"prompt_ids": prompts, "prompt_mask": (prompts != pad).long(), "gen.greedy": model.generate(**given)} | made


def opt():
    text = OPTConfig(vocab_size=70, hidden_size=32, ffn_dim=64, num_hidden_layers=3, num_attention_heads=4,
                     max_position_embeddings=64, dropout=0.0, attention_dropout=0.0, pad_token_id=1, bos_token_id=2,
                     eos_token_id=50)
    model = build(text, 69, 41)
    model.tie_weights()
    pixels = noise(3, 3, 28, 28, seed=43)
    texts = torch.tensor([[2, 10, 11, 12, 50, 1], [2, 20, 21, 22, 23, 50], [2, 30, 50, 1, 1, 1]])
    ids = torch.cat([torch.full((3, QUERIES), 69), texts], 1)
    labels = torch.cat([torch.full((3, QUERIES), -100), texts.masked_fill(texts == 1, -100)], 1)
    out = model(pixel_values=pixels, input_ids=ids, attention_mask=(ids != 1).long())
    loss = F.cross_entropy(out.logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
    loss.backward()
    made = generated(model, pixels, torch.tensor([[1, 1, 2, 10, 11], [2, 20, 21, 22, 23]]), 1)
    put("opt", model, made | {"pixel_values": pixels, "text_ids": texts, "text_mask": (texts != 1).long(), "loss": loss,
                       "qformer_out": out.qformer_outputs.last_hidden_state})


def t5():
    text = T5Config(vocab_size=80, d_model=32, d_kv=8, d_ff=40, num_layers=2, num_decoder_layers=2, num_heads=4,
                    feed_forward_proj="gated-gelu", tie_word_embeddings=False, dropout_rate=0.0,
                    relative_attention_num_buckets=8, relative_attention_max_distance=12, decoder_start_token_id=0,
                    pad_token_id=0, eos_token_id=1)
    model = build(text, 79, 47)
    head = nn.Parameter(0.12 * noise(80, 32, seed=99))
    model.language_model.lm_head.weight = head
    pixels = noise(2, 3, 28, 28, seed=53)
    prompts = torch.tensor([[30, 31, 32, 1, 0], [40, 41, 1, 0, 0]])
    labels = torch.tensor([[50, 51, 1, -100], [60, 61, 62, 1]])
    ids = torch.cat([torch.full((2, QUERIES), 79), prompts], 1)
    out = model(pixel_values=pixels, input_ids=ids, attention_mask=(ids != 0).long(), labels=labels)
    out.loss.backward()
    made = generated(model, pixels, prompts, 0)
    put("t5", model, made | {"pixel_values": pixels, "labels": labels, "loss": out.loss,
                             "qformer_out": out.qformer_outputs.last_hidden_state},
        **{"language_model.lm_head.weight": head})


def questions():
    """InstructBLIP in front of an OPT, with questions and answers of different lengths; answers weigh 0.7, 0.3 and 1."""
    text = OPTConfig(vocab_size=70, hidden_size=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=4,
                     max_position_embeddings=64, dropout=0.0, attention_dropout=0.0, pad_token_id=1, bos_token_id=2,
                     eos_token_id=50)
    config = InstructBlipConfig(
        text_config=text.to_dict(), num_query_tokens=QUERIES, image_token_index=69, vision_config=VISION,
        qformer_config=QFORMER | dict(vocab_size=60, max_position_embeddings=24, pad_token_id=0))
    config._attn_implementation = "eager"
    model = InstructBlipForConditionalGeneration(config)
    randomise(model, 61)
    model.tie_weights()
    images = noise(2, 3, 28, 28, seed=63)
    asked = [[3, 10, 11, 12, 4], [3, 20, 4]]          # what the Q-Former reads
    prompts = [[2, 30, 31], [2, 40]]                  # what the language model is given
    rows = [(0, [32, 50], 0.7), (0, [33, 34, 50], 0.3), (1, [41, 42, 43, 50], 1.0)]
    length = max(map(len, asked))
    pixels = torch.stack([images[image] for image, _, _ in rows])
    qformer_ids = torch.tensor([asked[image] + [0] * (length - len(asked[image])) for image, _, _ in rows])
    total, logprobs = 0, []
    texts = [prompts[image] + answer for image, answer, _ in rows]
    longest = max(map(len, texts))
    ids = torch.tensor([[69] * QUERIES + text + [1] * (longest - len(text)) for text in texts])
    out = model(pixel_values=pixels, qformer_input_ids=qformer_ids, qformer_attention_mask=(qformer_ids != 0).long(),
                input_ids=ids, attention_mask=(ids != 1).long())
    for row, (image, answer, weight) in enumerate(rows):
        start = QUERIES + len(prompts[image])
        found = out.logits[row, start - 1:start - 1 + len(answer)].log_softmax(-1)
        own = -found.gather(1, torch.tensor(answer)[:, None]).sum()
        logprobs.append(-own)
        total = total + weight * own
    loss = total / sum(weight * len(answer) for _, answer, weight in rows)
    loss.backward()
    golden = {"pixel_values": images, "loss": loss, "logprobs": torch.stack(logprobs)}
    renames = [("qformer.embeddings.word", "embeddings.word"), ("qformer.embeddings.position", "embeddings.position"),
               ("qformer.embeddings.layernorm", "qformer.layernorm")]
    tensors = {}
    for key, p in model.named_parameters():
        name = key.removeprefix("model.")
        for old, new in renames:
            name = name.replace(old, new)
        tensors[name] = p
        if p.grad is not None and not name.startswith("language_model."):
            golden["grad." + name] = p.grad
    path = os.path.join(OUT, "questions")
    shutil.rmtree(path, ignore_errors=True)
    # A BLIP-2's description: only the Q-Former's text is more.
    described = Blip2Config(text_config=text.to_dict(), num_query_tokens=QUERIES, image_token_index=69, vision_config=VISION,
                            qformer_config=QFORMER | dict(vocab_size=60, max_position_embeddings=24,
                                                          use_qformer_text_input=True))
    described.architectures = ["Blip2ForConditionalGeneration"]
    described.save_pretrained(path)
    save = lambda values, file: save_file({k: v.detach().clone().contiguous() for k, v in values.items()},
                                          os.path.join(path, file), metadata={"format": "pt"})
    save(tensors, "model.safetensors")
    save(golden, "golden.safetensors")


if __name__ == "__main__":
    opt()
    t5()
    questions()
