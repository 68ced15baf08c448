#!/usr/bin/env python3
"""Writes what `transformers` makes of checkpoints whose description was changed, one key at a time: descriptions.json.

Usage: .deps/python/bin/python Tests/Goldens/make_description_goldens.py     (transformers 5.23.0, torch 2.13.0, CPU)

The weights are those of models/blip-even and models/clip-even. Each case names a file, the way to a key in it and a value
(none takes the key out), and says what came of it: captions and their log-probabilities, or cosines; or that it failed.
"""
import copy
import json
import os
import shutil
import tempfile
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "critical")
warnings.simplefilter("ignore")
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoProcessor, BlipForConditionalGeneration, CLIPModel

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = ["a red dog", "two cats and a bird", "z", "the old man and the sea in a storm of many long words"]
ABSENT = "absent"
MODEL_FILES = ["config.json", "generation_config.json"]
torch.set_num_threads(1)


def pipeline(kind):
    """The files of the checkpoint beside its weights, as transformers 5 writes them, tokenizers as its older versions do."""
    side = 32 if kind == "blip" else 28
    square = {"height": side, "width": side}
    processor = {"do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
                 "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
                 "resample": 3, "rescale_factor": 1 / 255}
    config = json.load(open(f"{HERE}/models/{kind}-even/config.json"))
    if kind == "blip":
        processor |= {"image_processor_type": "BlipImageProcessor", "size": square}
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "picture", "of"]
        words += [f"word{n}" for n in range(65 - len(words))] + ["[DEC]", "[ENC]"]
        return {
            "config.json": config, "generation_config.json": json.load(open(f"{HERE}/models/blip-even/generation_config.json")),
            "processor_config.json": {"image_processor": processor, "processor_class": "BlipProcessor"},
            "tokenizer_config.json": {
                "bos_token": "[DEC]", "cls_token": "[CLS]", "do_lower_case": True, "extra_special_tokens": ["[ENC]"],
                "mask_token": "[MASK]", "model_max_length": 512, "pad_token": "[PAD]", "processor_class": "BlipProcessor",
                "sep_token": "[SEP]", "strip_accents": None, "tokenize_chinese_chars": True,
                "tokenizer_class": "BertTokenizer", "unk_token": "[UNK]"},
            "vocab.txt": "\n".join(words) + "\n"}
    processor |= {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": side}, "do_center_crop": True,
                  "crop_size": square}
    letters = [chr(ord("a") + n) for n in range(26)]
    merges = ["a n", "an d</w>", "t h", "th e</w>", "i n</w>", "d o", "do g</w>"]
    tokens = letters + [letter + "</w>" for letter in letters] + [merge.replace(" ", "") for merge in merges]
    tokens += [f"unused{n}" for n in range(97 - len(tokens))] + ["<|startoftext|>", "<|endoftext|>"]
    return {
        "config.json": config, "processor_config.json": {"image_processor": processor, "processor_class": "CLIPProcessor"},
        "tokenizer_config.json": {
            "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "model_max_length": 77,
            "pad_token": "<|endoftext|>", "processor_class": "CLIPProcessor", "tokenizer_class": "CLIPTokenizer",
            "unk_token": "<|endoftext|>"},
        "vocab.json": json.dumps({token: n for n, token in enumerate(tokens)}),
        "merges.txt": "#version: 0.2\n" + "\n".join(merges) + "\n"}


def others(value):
    """Other values of the same type, and one of another type."""
    if isinstance(value, bool): return [not value, "yes"]
    if isinstance(value, int): return [value + 1, max(1, value // 2), 0, str(value)]
    if isinstance(value, float): return [value * 1.5 + 0.1, 0.0, "much"]
    if isinstance(value, str): return ["gelu" if value == "quick_gelu" else "quick_gelu", "other"]
    if isinstance(value, list): return [value[:-1] + [0.75], 0.5, []]
    return [7]


def mutations(files):
    """Every key of every JSON file with other values, and without it."""
    for name, content in files.items():
        if not isinstance(content, dict): continue
        todo = [([key], value) for key, value in content.items()]
        while todo:
            path, value = todo.pop(0)
            if isinstance(value, dict):
                todo += [(path + [key], inner) for key, inner in value.items()]
                yield name, path, 7
            else:
                for other in others(value): yield name, path, other
            yield name, path, ABSENT
            yield name, path, None


def additions(kind):
    """Keys that other versions of transformers write, or that people do."""
    image = ["image_processor"]
    side, half = (32, 16) if kind == "blip" else (28, 14)
    for size in [side, half, [side, side], [half, side], {"shortest_edge": side}, {"height": side, "width": side},
                 {"height": half, "width": side}, {"shortest_edge": half}, {"longest_edge": side},
                 {"shortest_edge": side, "longest_edge": 2 * side}, {"max_height": side, "max_width": side}]:
        for key in ["size", "crop_size", "pad_size"]: yield "processor_config.json", image + [key], size
        yield "processor_config.json", image, {"do_pad": True, "pad_size": size}
        yield "processor_config.json", image, {"do_center_crop": True, "crop_size": size}
        for flag in [True, False]: yield "processor_config.json", image, {"default_to_square": flag, "size": size}
    yield "processor_config.json", image, {"do_rescale": False, "do_normalize": False}
    yield "processor_config.json", image, {"do_rescale": False}
    for key, value in [("do_center_crop", True), ("do_pad", True), ("data_format", "channels_last"), ("use_square_size", True),
                       ("feature_extractor_type", "CLIPFeatureExtractor"), ("reducing_gap", 2), ("size_divisor", 32)]:
        yield "processor_config.json", image + [key], value
    generation = {
        "num_beams": 3, "temperature": 0.5, "top_k": 3, "top_p": 0.5, "no_repeat_ngram_size": 2, "length_penalty": 2.0,
        "repetition_penalty": 2.0, "bad_words_ids": [[20]], "suppress_tokens": [20], "begin_suppress_tokens": [20],
        "forced_bos_token_id": 20, "forced_eos_token_id": 20, "min_length": 12, "max_length": 9,
        "do_sample": True, "num_return_sequences": 2, "encoder_repetition_penalty": 2.0, "penalty_alpha": 0.6, "min_p": 0.2,
        "typical_p": 0.5, "guidance_scale": 2.0, "renormalize_logits": True, "exponential_decay_length_penalty": [8, 2.0],
        "sequence_bias": [[[20], 9.0]], "decoder_start_token_id": 9, "epsilon_cutoff": 0.1, "num_beam_groups": 2}
    for key, value in generation.items():
        if kind == "blip":
            for path in [[key], ["text_config", key]]: yield "config.json", path, value
            yield "generation_config.json", [key], value
        else:
            yield "config.json", ["text_config", key], value
    for part in ["text_config", "vision_config"]:
        for key, value in [("pruned_heads", {"0": [1]}), ("is_decoder", False), ("position_embedding_type", "relative_key"),
                           ("num_channels", 1), ("attention_bias", False), ("qk_norm", True), ("hidden_act", "gelu_new"),
                           ("hidden_act", "relu"), ("torch_dtype", "float16"), ("chunk_size_feed_forward", 2),
                           ("add_cross_attention", True), ("use_bfloat16", True), ("output_attentions", True)]:
            yield "config.json", [part, key], value
        yield "config.json", [part + "_dict"], {"layer_norm_eps": 0.5}
        yield "config.json", [part + "_dict"], None
    for key, value in [("quantization_config", {"quant_method": "x"}), ("auto_map", {"AutoModel": "a.B"}), ("use_cache", False)]:
        yield "config.json", [key], value
    yield "tokenizer_config.json", ["model_max_length"], 6
    yield "tokenizer_config.json", ["truncation_side"], "left"


def changed(files, name, path, value):
    files = copy.deepcopy(files)
    target = files[name]
    for key in path[:-1]: target = target[key]
    if value == ABSENT: target.pop(path[-1], None)
    elif path == ["image_processor"] and isinstance(value, dict): target[path[-1]] |= value
    else: target[path[-1]] = value
    return files


def processor_of(folder, kind, files, cache={}):
    """A processor costs more than what is asked of it here: files of the same content share one."""
    mark = kind + json.dumps({name: content for name, content in files.items() if name not in MODEL_FILES})
    if mark not in cache: cache[mark] = AutoProcessor.from_pretrained(folder)
    return cache[mark]


def model_of(folder, kind, files, cache={}):
    mark = kind + json.dumps({name: files[name] for name in MODEL_FILES if name in files})
    if mark not in cache: cache[mark] = load(BlipForConditionalGeneration if kind == "blip" else CLIPModel, folder)
    return cache[mark]


def load(model_class, folder):
    model, info = model_class.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    if info["missing_keys"] or info["unexpected_keys"] or info["mismatched_keys"]: raise ValueError("other weights")
    return model.eval()


@torch.no_grad()
def captions(model, processor, images):
    given = processor(images=images, text=["a picture of"] * len(images), return_tensors="pt")
    rows = model.generate(**given, max_length=16, min_length=6, do_sample=False, repetition_penalty=1.3)
    end, tokens, sums = model.config.text_config.sep_token_id, [], []
    for number, row in enumerate(rows.tolist()):
        stop = next((n for n, token in enumerate(row) if n >= 4 and token == end), len(row) - 1)
        row = row[:stop + 1]
        ids = torch.tensor([row])
        logits = model(pixel_values=given["pixel_values"][number:number + 1], input_ids=ids,
                       attention_mask=torch.ones_like(ids)).logits
        logprobs = logits[0].log_softmax(-1)
        tokens.append(row)
        sums.append(round(sum(float(logprobs[n - 1, row[n]]) for n in range(4, len(row))), 5))
    return {"tokens": tokens, "logprobs": sums}


@torch.no_grad()
def cosines(model, processor, images):
    limit = min(20, processor.tokenizer.model_max_length)
    given = processor(images=images, text=TEXTS, return_tensors="pt", padding=True, truncation=True, max_length=limit)
    out = model(**given)
    values = out.image_embeds / out.image_embeds.norm(dim=-1, keepdim=True) @ (out.text_embeds / out.text_embeds.norm(dim=-1, keepdim=True)).T
    if not values.isfinite().all(): raise ValueError("not finite")
    return {"scores": [[round(float(v), 7) for v in row] for row in values]}


def outcome(kind, files, weights):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(content if isinstance(content, str) else json.dumps(content))
        save_file(weights[kind], os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
        raw = load_file(f"{HERE}/models/{kind}-even/golden.safetensors")["pixels"]
        images = [Image.fromarray(image.numpy()) for image in raw]
        try:
            model, processor = model_of(folder, kind, files), processor_of(folder, kind, files)
            return captions(model, processor, images) if kind == "blip" else cosines(model, processor, images)
        except Exception as error:
            return {"failed": type(error).__name__}


def main():
    weights = {kind: load_file(f"{HERE}/models/{kind}-even/model.safetensors") for kind in ["blip", "clip"]}
    result = {"texts": TEXTS}
    for kind in ["blip", "clip"]:
        files = pipeline(kind)
        plain = outcome(kind, files, weights)
        if "failed" in plain: raise SystemExit(f"{kind}: {plain}")
        cases, seen, idle = [], set(), set()
        for name, path, value in list(mutations(files)) + list(additions(kind)):
            mark = json.dumps([name, path, value])
            if mark in seen: continue
            seen.add(mark)
            made = outcome(kind, changed(files, name, path, value), weights)
            place = json.dumps([name, path])
            if made == plain and place in idle: continue  # of a key's values that change nothing one is enough
            if made == plain: idle.add(place)
            cases.append({"file": name, "path": path} | ({} if value == ABSENT else {"value": value})
                         | ({"same": True} if made == plain else made))
        result[kind] = {"files": files, "plain": plain, "cases": cases}
        count = {k: sum(k in case for case in cases) for k in ["same", "failed", "tokens", "scores"]}
        print(kind, len(cases), count)
    with open(os.path.join(HERE, "descriptions.json"), "w") as file:
        heads = {key: value for key, value in result.items() if key == "texts"}
        file.write('{"texts": ' + json.dumps(heads["texts"]))
        for kind in ["blip", "clip"]:
            part = result[kind]
            file.write(f',\n"{kind}": {{"files": {json.dumps(part["files"])},\n"plain": {json.dumps(part["plain"])},\n"cases": [\n')
            file.write(",\n".join(json.dumps(case) for case in part["cases"]) + "\n]}")
        file.write("}\n")


main()
