#!/usr/bin/env python3
"""Writes the reference values of training: losses, gradients and optimizer steps by transformers and PyTorch.

Usage: .deps/python/bin/python Tests/Goldens/make_training_goldens.py     (transformers 5.23.0, torch 2.13.0, CPU)

The models are the tiny checkpoints of make_model_goldens.py; the values go to Tests/Goldens/training/*.safetensors.
"""
import math
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from transformers import BlipForConditionalGeneration, CLIPModel

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "training")
os.makedirs(OUT, exist_ok=True)


def put(name, golden):
    values = {k: v.detach().clone().contiguous() for k, v in golden.items()}
    save_file(values, os.path.join(OUT, name + ".safetensors"))


def random(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def gradients(model, names):
    found = dict(model.named_parameters())
    return {"gradient." + name: found[name].grad for name in names}


def blip(name):
    folder = os.path.join(HERE, "models", name)
    model = BlipForConditionalGeneration.from_pretrained(folder, attn_implementation="eager").eval()
    pixels = load_file(os.path.join(folder, "golden.safetensors"))["pixel_values"]
    bos = model.config.text_config.bos_token_id
    captions = [[bos, 5, 6, 7, 9, 11, 3], [bos, 5, 6, 7, 20, 33, 8, 8, 17, 3], [bos, 5, 6, 7, 3]]
    longest = max(map(len, captions))
    ids = torch.tensor([c + [0] * (longest - len(c)) for c in captions])
    mask = torch.tensor([[1] * len(c) + [0] * (longest - len(c)) for c in captions])
    labels = ids.masked_fill(mask == 0, -100)
    labels[:, :4] = -100
    logits = model(pixel_values=pixels, input_ids=ids, attention_mask=mask).logits
    loss = F.cross_entropy(
        logits[:, :-1].reshape(-1, logits.shape[-1]), labels[:, 1:].reshape(-1), ignore_index=-100, label_smoothing=0.1)
    loss.backward()
    put(name, {
        "captions": ids, "lengths": mask.sum(1), "pixel_values": pixels, "loss": loss,
        **gradients(model, [
            "text_decoder.bert.embeddings.word_embeddings.weight",
            "text_decoder.bert.encoder.layer.0.attention.self.query.weight",
            "text_decoder.bert.encoder.layer.1.crossattention.self.value.weight",
            "vision_model.encoder.layers.0.self_attn.qkv.weight", "vision_model.embeddings.patch_embedding.weight",
            "vision_model.embeddings.position_embedding"])})


def clip(name):
    folder = os.path.join(HERE, "models", name)
    model = CLIPModel.from_pretrained(folder, attn_implementation="eager").eval()
    golden = load_file(os.path.join(folder, "golden.safetensors"))
    ids = golden["input_ids"][:3]
    out = model(input_ids=ids, pixel_values=golden["pixel_values"], return_loss=True)
    out.loss.backward()
    put(name, {
        "input_ids": ids, "lengths": golden["lengths"][:3], "pixel_values": golden["pixel_values"], "loss": out.loss,
        **gradients(model, [
            "logit_scale", "text_projection.weight", "visual_projection.weight",
            "text_model.embeddings.token_embedding.weight", "text_model.encoder.layers.0.self_attn.k_proj.weight",
            "vision_model.encoder.layers.0.self_attn.v_proj.weight", "vision_model.embeddings.class_embedding"])})


def soft_targets():
    """moein-shariatnia/OpenAI-CLIP, CLIP.py: targets from both likenesses, not detached."""
    images, texts = (F.normalize(random(6, 12, seed=s), dim=-1).requires_grad_() for s in (1, 2))
    temperature = 0.5
    logits = texts @ images.T / temperature
    targets = ((images @ images.T + texts @ texts.T) / 2 * temperature).softmax(-1)

    def entropy(logits, targets):
        return -(targets * logits.log_softmax(-1)).sum(-1)

    loss = (entropy(logits, targets).mean() + entropy(logits.T, targets.T).mean()) / 2
    loss.backward()
    put("soft-targets", {
        "images": images, "texts": texts, "loss": loss, "gradient.images": images.grad, "gradient.texts": texts.grad})


def adamw():
    """Twelve steps on a matrix that decays and a vector that does not, with another rate each."""
    matrix, vector = torch.nn.Parameter(random(4, 3, seed=8)), torch.nn.Parameter(random(3, seed=9))
    golden = {"matrix": matrix, "vector": vector}
    golden = {k: v.detach().clone() for k, v in golden.items()}
    optimizer = torch.optim.AdamW(
        [{"params": [matrix], "weight_decay": 0.05}, {"params": [vector], "weight_decay": 0.0}], betas=(0.9, 0.98))
    rates, matrices, vectors, slopes = [], [], [], []
    for step in range(12):
        rates.append(1e-3 * (step + 1) / 12)
        for group in optimizer.param_groups:
            group["lr"] = rates[-1]
        matrix.grad, vector.grad = random(4, 3, seed=100 + step), random(3, seed=200 + step)
        slopes.append(torch.cat([matrix.grad.flatten(), vector.grad]))
        optimizer.step()
        matrices.append(matrix.detach().clone())
        vectors.append(vector.detach().clone())
    put("adamw", {
        **golden, "rates": torch.tensor(rates, dtype=torch.float32), "gradients": torch.stack(slopes),
        "matrices": torch.stack(matrices), "vectors": torch.stack(vectors)})


def optim():
    """Twelve steps at the rates of LAVIS's schedule: four steps an epoch, ten epochs, the warm-up cut off by the first."""
    def rate(epoch, step, epochs=10, warmup=5, start=1e-6, peak=1e-4, floor=1e-5):
        if epoch == 0:
            return min(peak, start + (peak - start) * step / warmup)
        return (peak - floor) * 0.5 * (1 + math.cos(math.pi * epoch / epochs)) + floor
    p, q = torch.nn.Parameter(random(4, 3, seed=8)), torch.nn.Parameter(random(3, seed=9))
    golden = {"p0": p.detach().clone(), "q0": q.detach().clone()}
    optimizer = torch.optim.AdamW(
        [{"params": [p], "weight_decay": 0.05}, {"params": [q], "weight_decay": 0.0}], betas=(0.9, 0.98))
    rates, path, slopes = [], [], []
    for step in range(12):
        rates.append(rate(step // 4, step % 4))
        for group in optimizer.param_groups:
            group["lr"] = rates[-1]
        p.grad, q.grad = random(4, 3, seed=100 + step), random(3, seed=200 + step)
        slopes.append((p.grad, q.grad))
        optimizer.step()
        path.append(torch.cat([p.detach().flatten(), q.detach()]))
    os.makedirs(os.path.join(OUT, "optim"), exist_ok=True)
    put("optim/golden", {
        **golden, "lr": torch.tensor(rates, dtype=torch.float64), "trajectory": torch.stack(path),
        "gp": torch.stack([g for g, _ in slopes]), "gq": torch.stack([g for _, g in slopes])})


blip("blip-even")
blip("blip-odd")
clip("clip-even")
clip("clip-odd")
soft_targets()
adamw()
optim()
