#!/usr/bin/env python3
"""Writes the reference values of the language models' tests: tiny random checkpoints and what `transformers` makes of them.

Usage: .deps/python/bin/python Tests/Goldens/make_language_goldens.py     (transformers 5.23.0, torch 2.13.0, CPU)

Each folder under Tests/Goldens/language/ is a checkpoint as transformers writes it, with golden.safetensors beside it:
inputs, and outputs and gradients in float32 with plain ("eager") attention and without dropout. Rows are given different
numbers of tokens, filled up on the left for OPT and on the right for T5; texts end at different lengths.
"""
import json
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
from transformers import OPTConfig, OPTForCausalLM, T5Config, T5ForConditionalGeneration

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "language")
PENALTIES = (-1.0, 0.0, 1.0)


def noise(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def randomise(model, std, seed):
    """Overwrites every tensor with noise: the library's own start leaves many at 0 or 1, which hides mistakes."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            r = torch.randn(p.shape, generator=torch.Generator().manual_seed(zlib.crc32(name.encode()) * 31 + seed))
            is_norm = re.search(r"(norm|LayerNorm)", name) and name.endswith("weight")
            p.copy_(1 + 0.1 * r if is_norm else std * r)
    model.set_attn_implementation("eager")
    return model.eval()


def folder(name, model):
    path = os.path.join(OUT, name)
    shutil.rmtree(path, ignore_errors=True)
    model.save_pretrained(path)
    os.remove(os.path.join(path, "generation_config.json"))
    return path


def put(path, values):
    save_file({k: v.detach().clone().contiguous() for k, v in values.items()}, os.path.join(path, "golden.safetensors"))


def search(model, golden, count, **inputs):
    """Greedy and beam texts, new tokens only, with the scores of the beams, and the end token, which is one that lets them
    end at different lengths."""
    def made(**options):
        out = model.generate(**inputs, max_new_tokens=count, do_sample=False, return_dict_in_generate=True,
                             output_scores=True, **options)
        # A decoder that is given embeddings hands on new tokens only, an encoder-decoder its start token too.
        return out.sequences[:, 1:] if model.config.is_encoder_decoder else out.sequences, out

    def lengths(ids, end):
        return tuple(next((i for i, token in enumerate(row) if token == end), count) for row in ids.tolist())

    def variety(end):
        beams = lengths(made(eos_token_id=end, num_beams=5, length_penalty=0.0)[0], end)
        greedy = lengths(made(eos_token_id=end)[0], end)
        return len(set(beams)) + len(set(greedy)) - (0 in beams), end

    variety_of_best, end = max(variety(end) for end in range(2, model.config.vocab_size))
    assert variety_of_best >= 4, "texts end at the same length: try another seed"
    golden["end"] = torch.tensor([end])
    golden["gen.greedy"] = made(eos_token_id=end)[0]
    golden["gen.greedy_penalty"] = made(eos_token_id=end, repetition_penalty=1.4)[0]
    for penalty in PENALTIES:
        ids, out = made(eos_token_id=end, num_beams=5, num_return_sequences=5, length_penalty=penalty)
        golden[f"gen.beam5_lp{penalty}"], golden[f"score.beam5_lp{penalty}"] = ids, out.sequences_scores
        print("  penalty", penalty, "lengths", lengths(ids[::5], end))
    ids, out = made(eos_token_id=end, num_beams=3, num_return_sequences=3, length_penalty=0.5, repetition_penalty=1.3,
                    min_new_tokens=4)
    golden["gen.beam3_filtered"], golden["score.beam3_filtered"] = ids, out.sequences_scores


def opt(name, seed, **shape):
    config = OPTConfig(vocab_size=70, max_position_embeddings=64, num_attention_heads=4, dropout=0.0,
                       attention_dropout=0.0, pad_token_id=1, bos_token_id=2, eos_token_id=2, **shape)
    model = randomise(OPTForCausalLM(config), 0.12, seed)
    model.tie_weights()
    width = config.word_embed_proj_dim
    queries = noise(3, 4, width, seed=seed + 1).requires_grad_()
    ids = torch.tensor([[1, 1, 1, 2, 11], [2, 20, 21, 22, 23], [1, 2, 30, 31, 32]])
    mask = (ids != 1).long()
    golden = {"input_ids": ids, "attention_mask": mask}
    golden["logits"] = model(input_ids=ids, attention_mask=mask).logits * mask[..., None]

    # Queries, and the loss of texts behind them.
    words = model.get_input_embeddings()
    texts = torch.tensor([[2, 10, 11, 12, 5, 1], [2, 20, 21, 22, 23, 5], [2, 33, 5, 1, 1, 1]])
    labels = texts.masked_fill(texts == 1, -100)
    labels[2, 0] = -100  # as if it were a prompt
    whole = torch.cat([queries, words(texts)], 1)
    seen = torch.cat([torch.ones(3, 4, dtype=torch.long), (texts != 1).long()], 1)
    logits = model(inputs_embeds=whole, attention_mask=seen).logits
    loss = F.cross_entropy(logits[:, 3:-1].flatten(0, 1), labels.flatten(), ignore_index=-100)
    loss.backward()
    golden |= {"queries": queries, "text_ids": texts, "labels": labels, "loss": loss, "grad.queries": queries.grad,
               "query_logits": logits * seen[..., None]}

    # Texts behind queries and prompts of different lengths, filled up between the two.
    with torch.no_grad():
        given = torch.cat([queries, words(ids)], 1)
        seen = torch.cat([torch.ones(3, 4, dtype=torch.long), mask], 1)
        search(model, golden, 9, inputs_embeds=given, attention_mask=seen)
    put(folder(name, model), golden)


def blip2(name, seed):
    """OPT behind queries that are projected, in the names of BLIP-2's checkpoints: what a Q-Former says is made up here."""
    config = OPTConfig(vocab_size=70, hidden_size=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=4,
                       max_position_embeddings=64, dropout=0.0, attention_dropout=0.0, pad_token_id=1, bos_token_id=2,
                       eos_token_id=50)
    model = randomise(OPTForCausalLM(config), 0.12, seed)
    model.tie_weights()
    projection = nn.Linear(24, 32)
    with torch.no_grad():
        projection.weight.copy_(0.3 * noise(32, 24, seed=seed + 1))
        projection.bias.copy_(0.1 * noise(32, seed=seed + 2))
        model.get_input_embeddings().weight[50] *= 2.5  # texts that end
    said = noise(2, 5, 24, seed=seed + 3)
    words = model.get_input_embeddings()
    texts = torch.tensor([[2, 10, 11, 12, 50, 1], [2, 20, 21, 22, 23, 50]])
    mask, all_there = (texts != 1).long(), torch.ones(2, 5, dtype=torch.long)
    logits = model(inputs_embeds=torch.cat([projection(said), words(texts)], 1),
                   attention_mask=torch.cat([all_there, mask], 1)).logits
    loss = F.cross_entropy(logits[:, 4:-1].flatten(0, 1), texts.masked_fill(texts == 1, -100).flatten())
    loss.backward()
    golden = {"qformer_out": said, "text_ids": texts, "text_mask": mask, "logits": logits, "loss": loss,
              "grad.language_projection.weight": projection.weight.grad}
    prompts = torch.tensor([[1, 1, 2, 10, 11], [2, 20, 21, 22, 23]])
    with torch.no_grad():
        given = dict(inputs_embeds=torch.cat([projection(said), words(prompts)], 1),
                     attention_mask=torch.cat([all_there, (prompts != 1).long()], 1), max_new_tokens=6, do_sample=False)
        before = torch.cat([torch.zeros(2, 5, dtype=torch.long), prompts], 1)
        golden |= {"prompt_ids": prompts, "prompt_mask": (prompts != 1).long(),
                   "gen.greedy": torch.cat([before, model.generate(**given)], 1)}
        for penalty in PENALTIES:
            made = model.generate(**given, num_beams=5, length_penalty=penalty)
            golden[f"gen.beam5_lp{penalty}"] = torch.cat([before, made], 1)
            print("  penalty", penalty, made.tolist())
    path = folder(name, model)
    put(path, golden)
    weights = {"language_model." + k: v for k, v in load_file(os.path.join(path, "model.safetensors")).items()}
    weights |= {"language_projection." + k: v.detach() for k, v in projection.named_parameters()}
    save_file(weights, os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
    file = os.path.join(path, "config.json")
    json.dump({"model_type": "blip-2", "text_config": json.load(open(file))}, open(file, "w"), indent=2)


def t5(name, seed, head, **shape):
    config = T5Config(vocab_size=80, d_model=32, d_kv=12, d_ff=40, num_heads=4, dropout_rate=0.0, num_layers=2,
                      num_decoder_layers=2, relative_attention_num_buckets=8, relative_attention_max_distance=12,
                      decoder_start_token_id=0, pad_token_id=0, eos_token_id=1, **shape)
    model = randomise(T5ForConditionalGeneration(config), 0.12, seed)
    if head:
        model.lm_head.weight = nn.Parameter(0.5 * noise(80, 32, seed=seed + 7))
    else:
        model.tie_weights()
    with torch.no_grad():  # attention that looks at something, and sees where it is
        for part in (model.encoder, model.decoder):
            part.block[0].layer[0].SelfAttention.relative_attention_bias.weight.mul_(8)
    queries = noise(3, 4, 32, seed=seed + 1).requires_grad_()
    ids = torch.tensor([[30, 31, 32, 1, 0], [40, 1, 0, 0, 0], [50, 51, 52, 53, 1]])
    mask = (ids != 0).long()
    labels = torch.tensor([[50, 51, 1, -100], [60, 61, 62, 1], [1, -100, -100, -100]])
    words = model.get_input_embeddings()
    out = model(input_ids=ids, attention_mask=mask, labels=labels)
    golden = {"input_ids": ids, "attention_mask": mask, "labels": labels, "logits": out.logits, "loss": out.loss,
              "encoder_last": out.encoder_last_hidden_state}
    given = torch.cat([queries, words(ids)], 1)
    seen = torch.cat([torch.ones(3, 4, dtype=torch.long), mask], 1)
    out = model(inputs_embeds=given, attention_mask=seen, labels=labels)
    out.loss.backward()
    golden |= {"queries": queries, "query_loss": out.loss, "grad.queries": queries.grad, "query_logits": out.logits}
    rel = torch.arange(-300, 301)
    bucket = model.encoder.block[0].layer[0].SelfAttention._relative_position_bucket
    golden |= {"rel": rel, "bucket_bidir": bucket(rel, True, 32, 128), "bucket_uni": bucket(rel, False, 32, 128)}
    with torch.no_grad():
        search(model, golden, 9, inputs_embeds=given.detach(), attention_mask=seen)
    path = folder(name, model)
    put(path, golden)
    return path


def rewrite(path, **changes):
    """What other versions of transformers wrote."""
    file = os.path.join(path, "config.json")
    config = json.load(open(file))
    for key, value in changes.items():
        config.pop(key) if value is None else config.update({key: value})
    json.dump(config, open(file, "w"), indent=2)




if __name__ == "__main__":
    opt("opt", 45, hidden_size=32, ffn_dim=64, num_hidden_layers=3)
    opt("opt-behind", 61, hidden_size=32, ffn_dim=64, num_hidden_layers=2, word_embed_proj_dim=24,
        do_layer_norm_before=False)
    blip2("blip2_opt", 103)
    path = t5("t5", 49, True, feed_forward_proj="gated-gelu", tie_word_embeddings=False)
    assert "lm_head.weight" in load_file(os.path.join(path, "model.safetensors"))
    t5("t5-tied", 71, False, feed_forward_proj="relu")
    # As transformers 4 wrote FlanT5's: no function by itself, no word of scaling.
    rewrite(path, tie_word_embeddings=False, scale_decoder_outputs=None, dense_act_fn="gelu_new")
