#!/usr/bin/env python3
"""Writes the reference values of BLIP-2's phase 1: tiny random checkpoints, losses, and the gradient of every tensor.

Usage: .deps/python/bin/python Tests/Goldens/make_blip2_goldens.py     (transformers 5.23.0, torch 2.13.0, CPU)

Each folder under Tests/Goldens/blip2/ is a checkpoint of Blip2ForImageTextRetrieval as transformers writes it, with
golden.safetensors beside it: inputs, outputs and gradients in float32, plain ("eager") attention, no dropout, for one
process (w1) and two (w2). transformers has neither the causal pass nor a head for it: both are written out here, on its
parameters, and the passes that it has are compared with it. encoders.safetensors holds image encoders' states, and bert/
is a checkpoint of BertForPreTraining.
"""
import math
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
    BertConfig, BertForPreTraining, Blip2Config, Blip2ForImageTextRetrieval, CLIPConfig, CLIPModel, OPTConfig)

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "blip2")
PAD, CLS, SEP = 0, 2, 3


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


def put(path, values):
    save_file({k: v.detach().clone().contiguous() for k, v in values.items()}, path)


def folder(name):
    path = os.path.join(OUT, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


class Reference(nn.Module):
    """Phase 1 on the parameters of Blip2ForImageTextRetrieval, after LAVIS's Qformer.py and blip2_qformer.py."""

    def __init__(self, itr):
        super().__init__()
        self.itr, self.c = itr, itr.config.qformer_config
        width = self.c.hidden_size
        self.cls = nn.ModuleDict(
            {"dense": nn.Linear(width, width), "norm": nn.LayerNorm(width, eps=self.c.layer_norm_eps)})
        self.cls_bias = nn.Parameter(torch.zeros(self.c.vocab_size))
        self.temp = nn.Parameter(torch.tensor(0.07))

    def heads(self, x):
        n = self.c.num_attention_heads
        return x.view(*x.shape[:2], n, x.shape[2] // n).transpose(1, 2)

    def attend(self, part, h, source, bias, past=None):
        a = part.attention
        q, k, v = self.heads(a.query(h)), self.heads(a.key(source)), self.heads(a.value(source))
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        s = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        if bias is not None:
            s = s + bias
        o = (s.softmax(-1) @ v).transpose(1, 2).flatten(2)
        return part.output.LayerNorm(part.output.dense(o) + h), (k, v)

    def forward(self, ids=None, mask=None, query=None, image=None, causal=False, past=None):
        e, queries = None, 0
        if ids is not None:
            places = self.itr.embeddings.position_embeddings.weight[: ids.shape[1]]
            e = self.itr.embeddings.word_embeddings(ids) + places
        if query is not None:
            queries = query.shape[1]
            e = query if e is None else torch.cat([query, e], 1)
        h = self.itr.qformer.layernorm(e)
        rows, length, _ = h.shape
        before = past[0][0].shape[2] if past is not None else 0
        if mask is None:
            mask = torch.ones(rows, length + before)
        allow = mask[:, None, None, :].float().expand(rows, 1, length, length + before)
        if causal:
            allow = allow * torch.cat([torch.ones(length, before), torch.tril(torch.ones(length, length))], 1)
        bias, own = (1 - allow) * -10000.0, []
        for i, layer in enumerate(self.itr.qformer.encoder.layer):
            a, kv = self.attend(layer.attention, h, h, bias, None if past is None else past[i])
            own.append(kv)
            qa, ta, outs = a[:, :queries], a[:, queries:], []
            if queries:
                if i % self.c.cross_attention_frequency == 0:
                    qa, _ = self.attend(layer.crossattention, qa, image, None)
                outs.append(layer.output_query.LayerNorm(
                    layer.output_query.dense(F.gelu(layer.intermediate_query.dense(qa))) + qa))
            if ta.shape[1]:
                outs.append(layer.output.LayerNorm(layer.output.dense(F.gelu(layer.intermediate.dense(ta))) + ta))
            h = torch.cat(outs, 1)
        return h, own

    def words(self, h):
        return self.cls["norm"](F.gelu(self.cls["dense"](h))) @ self.itr.embeddings.word_embeddings.weight.T + self.cls_bias

    def passes(self, image, ids, mask):
        query = self.itr.query_tokens.expand(image.shape[0], -1, -1)
        looked, own = self(query=query, image=image)
        read, _ = self(ids=ids, mask=mask)
        return {
            "query": query, "looked": looked, "own": own, "img": F.normalize(self.itr.vision_projection(looked), dim=-1),
            "txt": F.normalize(self.itr.text_projection(read[:, 0]), dim=-1)}

    def losses(self, image, ids, mask, mine, all_img, all_txt, all_image, all_ids, all_mask, rank, dec, generator):
        """all_img and all_txt are detached: LAVIS gathers the keys without gradients, the images' states with them."""
        itr, pairs, queries = self.itr, image.shape[0], mine["query"].shape[1]
        i2t = torch.einsum("bqd,wd->bwq", mine["img"], all_txt).max(-1).values / self.temp
        t2i = torch.einsum("bd,wqd->bwq", mine["txt"], all_img).max(-1).values / self.temp
        own = torch.arange(pairs) + rank * pairs
        itc = (F.cross_entropy(i2t, own, label_smoothing=0.1) + F.cross_entropy(t2i, own, label_smoothing=0.1)) / 2
        with torch.no_grad():
            wi, wt, rows = i2t.clone(), t2i.clone(), torch.arange(pairs)
            wi[rows, own], wt[rows, own] = -10000, -10000
            wi, wt = wi.softmax(1), wt.softmax(1)
        neg_img = torch.multinomial(wt, 1, generator=generator)[:, 0]
        neg_txt = torch.multinomial(wi, 1, generator=generator)[:, 0]
        ids3, mask3 = torch.cat([ids, ids, all_ids[neg_txt]]), torch.cat([mask, mask, all_mask[neg_txt]])
        h3, _ = self(
            ids=ids3, mask=torch.cat([torch.ones(3 * pairs, queries), mask3.float()], 1),
            query=itr.query_tokens.expand(3 * pairs, -1, -1), image=torch.cat([image, all_image[neg_img], image]))
        itm_logits = itr.itm_head(h3[:, :queries]).mean(1)
        itm = F.cross_entropy(itm_logits, torch.tensor([1] * pairs + [0] * 2 * pairs))
        text = ids.clone()
        text[:, 0] = dec
        labels = text.masked_fill(text == PAD, -100)
        hl, _ = self(ids=text, mask=torch.cat([torch.ones(pairs, queries), mask.float()], 1), causal=True, past=mine["own"])
        lm = self.words(hl)
        itg = F.cross_entropy(
            lm[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), label_smoothing=0.1, ignore_index=-100)
        return {
            "itc": itc, "itm": itm, "itg": itg, "i2t": i2t, "t2i": t2i, "w_i2t": wi, "w_t2i": wt, "neg_img": neg_img,
            "neg_txt": neg_txt, "itm_logits": itm_logits, "lm_logits": lm}


def stage1(name, seed, vision, qformer, queries, joint, pairs, lengths, larger):
    config = Blip2Config(
        vision_config=dict(vision, qkv_bias=True),
        qformer_config=dict(
            qformer, encoder_hidden_size=vision["hidden_size"], use_qformer_text_input=True, hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0, pad_token_id=PAD),
        text_config=OPTConfig(
            vocab_size=50, hidden_size=16, ffn_dim=32, num_hidden_layers=1, num_attention_heads=2).to_dict(),
        num_query_tokens=queries, image_text_hidden_size=joint)
    itr = randomise(Blip2ForImageTextRetrieval(config), 0.15, seed)
    vocabulary, side = qformer["vocab_size"], vision["image_size"]
    ref, generator = Reference(itr), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in list(ref.cls.parameters()) + [ref.cls_bias]:
            p.copy_((1 if p is ref.cls["norm"].weight else 0) + 0.15 * torch.randn(p.shape, generator=generator))
    worlds, dec = len(lengths) // pairs, vocabulary - 1
    pixels = noise(len(lengths), 3, side, side, seed=seed + 1)
    ids = torch.zeros(len(lengths), max(lengths), dtype=torch.long)
    for row, n in enumerate(lengths):
        words = torch.randint(5, vocabulary - 2, (n - 2,), generator=generator)
        ids[row, :n] = torch.cat([torch.tensor([CLS]), words, torch.tensor([SEP])])
    mask = (ids != PAD).long()
    raw = []  # the norm runs a second time, on the first token's state; those calls are left out
    hook = itr.vision_model.post_layernorm.register_forward_pre_hook(
        lambda m, i: raw.append(i[0].detach()) if i[0].dim() == 3 else None)
    seen = itr.vision_model(pixels).last_hidden_state
    wide = noise(2, 3, larger, larger, seed=seed + 2)
    itr.vision_model(wide, interpolate_pos_encoding=True)
    hook.remove()
    # The passes that transformers has must agree with it.
    own = slice(0, pairs)
    itc = itr(pixel_values=pixels[own], input_ids=ids[own], attention_mask=mask[own], use_image_text_matching_head=False)
    itm = itr(pixel_values=pixels[own], input_ids=ids[own], attention_mask=mask[own], use_image_text_matching_head=True)
    mine = ref.passes(seen[own], ids[own], mask[own])
    likeness = torch.einsum("bqd,wd->bwq", mine["img"], mine["txt"]).max(-1).values
    assert torch.allclose(likeness, itc.logits_per_image, atol=1e-5)
    h, _ = ref(
        ids=ids[own], mask=torch.cat([torch.ones(pairs, queries), mask[own].float()], 1), query=mine["query"],
        image=seen[own])
    assert torch.allclose(itr.itm_head(h[:, :queries]).mean(1), itm.logits_per_image, atol=1e-5)
    golden = {
        "pixel_values": pixels, "input_ids": ids, "attention_mask": mask, "vision_encoder_out": raw[0],
        "larger.pixel_values": wide, "larger.vision_encoder_out": raw[1], "hf.itc_sim": itc.logits_per_image,
        "hf.itm_logits": itm.logits_per_image, "ref.query_out": mine["looked"],
        "lm_head.dense.weight": ref.cls["dense"].weight, "lm_head.dense.bias": ref.cls["dense"].bias,
        "lm_head.norm.weight": ref.cls["norm"].weight, "lm_head.norm.bias": ref.cls["norm"].bias,
        "lm_head.bias": ref.cls_bias, "temp": ref.temp}
    trained = {n: p for n, p in ref.named_parameters() if not n.startswith("itr.vision_model.") or "post_layernorm" in n}
    for world in (1, worlds):
        part = [slice(r * pairs, (r + 1) * pairs) for r in range(world)]
        images = [itr.vision_model(pixels[s]).last_hidden_state for s in part]
        passes = [ref.passes(images[r], ids[s], mask[s]) for r, s in enumerate(part)]
        all_img, all_txt = (torch.cat([p[k] for p in passes]).detach() for k in ("img", "txt"))
        draws, means, whole = torch.Generator().manual_seed(9), 0, 0
        targets = [int((mask[s].sum(1) - 1).sum()) for s in part]
        for r, s in enumerate(part):
            o = ref.losses(
                images[r], ids[s], mask[s], passes[r], all_img, all_txt, torch.cat(images), ids[: world * pairs],
                mask[: world * pairs], r, dec, draws)
            means = means + (o["itc"] + o["itm"] + o["itg"]) / world  # gradients are averaged over processes
            whole = whole + (o["itc"] + o["itm"]) / world + o["itg"] * targets[r] / sum(targets)
            golden |= {f"w{world}.r{r}.{k}": v for k, v in o.items()}
        for loss, mark in ((means, ""), (whole, "global."))[: world]:  # one process has one mean
            for p in trained.values():
                p.grad = None
            loss.backward(retain_graph=True)
            golden[f"w{world}.{mark}mean_loss"] = loss
            golden |= {f"w{world}.{mark}grad.{n}": p.grad.clone() for n, p in trained.items() if p.grad is not None}
    path = folder(name)
    itr.save_pretrained(path)
    put(os.path.join(path, "golden.safetensors"), golden)


def encoders():
    """What LAVIS's CLIP tower gives of the tiny CLIP models: no last block, no last norm; and with more patches."""
    golden = {}
    for name, larger in (("clip-even", 2), ("clip-odd", 3)):
        path = os.path.join(HERE, "models", name)
        model = CLIPModel.from_pretrained(path, attn_implementation="eager").eval()
        pixels = load_file(os.path.join(path, "golden.safetensors"))["pixel_values"]
        golden[name + ".pixel_values"] = pixels
        golden[name + ".states"] = model.vision_model(pixels, output_hidden_states=True).hidden_states[-2]
        # The table is resized as lavis/models/clip_vit.py does it, with corners that stay where they are.
        config = CLIPConfig.from_pretrained(path)
        patch, table = config.vision_config.patch_size, model.vision_model.embeddings.position_embedding.weight
        grid = config.vision_config.image_size // patch
        square = table[1:].T.reshape(1, -1, grid, grid)
        square = F.interpolate(square, size=(grid + larger, grid + larger), mode="bicubic", align_corners=True)
        config.vision_config.image_size = (grid + larger) * patch
        wide = CLIPModel(config).eval()
        weights = model.state_dict()
        weights["vision_model.embeddings.position_embedding.weight"] = torch.cat([table[:1], square[0].flatten(1).T])
        weights.pop("vision_model.embeddings.position_ids", None)
        wide.load_state_dict(weights, strict=False)
        wide.set_attn_implementation("eager")
        pixels = noise(2, 3, config.vision_config.image_size, config.vision_config.image_size, seed=larger)
        golden[name + ".larger.pixel_values"] = pixels
        golden[name + ".larger.states"] = wide.vision_model(pixels, output_hidden_states=True).hidden_states[-2]
    put(os.path.join(OUT, "encoders.safetensors"), golden)


def bert():
    config = BertConfig(
        vocab_size=40, hidden_size=24, num_hidden_layers=3, num_attention_heads=3, intermediate_size=40,
        max_position_embeddings=16)
    randomise(BertForPreTraining(config), 0.15, 77).save_pretrained(folder("bert"))


os.makedirs(OUT, exist_ok=True)
stage1(
    "even", 21,
    dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, image_size=28, patch_size=7),
    dict(vocab_size=41, hidden_size=24, num_hidden_layers=3, num_attention_heads=3, intermediate_size=40,
         max_position_embeddings=16, cross_attention_frequency=2),
    queries=4, joint=10, pairs=3, lengths=[8, 3, 6, 2, 4, 12], larger=42)
stage1(
    "odd", 35,
    dict(hidden_size=24, intermediate_size=40, num_hidden_layers=1, num_attention_heads=1, image_size=30, patch_size=10),
    dict(vocab_size=29, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
         max_position_embeddings=14, cross_attention_frequency=1),
    queries=3, joint=6, pairs=2, lengths=[3, 5, 14, 4], larger=20)
encoders()
bert()
