"""Writes small random checkpoints with transformers, an image, and what transformers makes of it: parity.py FOLDER

FOLDER/captioner and FOLDER/ranker are in the model hub's layout, tokenizer and preprocessor files included.
FOLDER/expected.json holds the greedy caption with its ids and the sum of its log-probabilities, and cosine similarities.
"""
import json
import sys

import numpy
import torch
from PIL import Image
from transformers import (
    BertTokenizerFast, BlipConfig, BlipForConditionalGeneration, CLIPConfig, CLIPModel, CLIPTokenizerFast)

WORDS = "a picture of the red blue green small large circle square star on left right ##s ##ed background two".split()
CAPTIONS = ["a red circle", "Two  BLUE stars!", "a small green square on the left", "naïve café, 100% déjà-vu"]
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
folder = sys.argv[1]


def randomize(model, seed):
    """Draws every weight: the library's own start leaves too much at zero to tell a mistake."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in sorted(model.named_parameters()):
            scale = 0.3 if tensor.dim() > 1 else 0.1
            offset = 1.0 if "norm" in name.lower() and name.endswith("weight") else 0.0
            tensor.copy_(offset + scale * torch.randn(tensor.shape, generator=generator))
    return model.eval()


def pixels(image):
    array = torch.from_numpy(numpy.array(image)).permute(2, 0, 1).float() / 255
    return ((array - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None])[None]


def write_preprocessor(path, size, crop=None):
    options = {"size": size, "resample": 3, "do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255,
               "do_normalize": True, "image_mean": MEAN, "image_std": STD, "do_convert_rgb": True}
    if crop:
        options.update({"do_center_crop": True, "crop_size": crop})
    with open(path + "/preprocessor_config.json", "w") as file:
        json.dump(options, file)


def captioner(image):
    path = folder + "/captioner"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS + ["[DEC]", "[ENC]"]
    tokenizer = BertTokenizerFast(vocab={word: i for i, word in enumerate(vocabulary)}, do_lower_case=True)
    tokenizer.add_special_tokens({"bos_token": "[DEC]"})
    start, end = vocabulary.index("[DEC]"), vocabulary.index("[SEP]")
    config = BlipConfig(
        text_config=dict(
            vocab_size=len(vocabulary), hidden_size=48, encoder_hidden_size=40, intermediate_size=56,
            num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=40, bos_token_id=start,
            eos_token_id=end, sep_token_id=end, pad_token_id=0, projection_dim=24),
        vision_config=dict(
            hidden_size=40, intermediate_size=72, num_hidden_layers=2, num_attention_heads=5, image_size=56,
            patch_size=8))
    config._attn_implementation = "eager"
    model = randomize(BlipForConditionalGeneration(config), 7)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    write_preprocessor(path, {"height": 56, "width": 56})
    view = pixels(image.resize((56, 56), Image.Resampling.BICUBIC))
    prompt = torch.tensor([tokenizer("a picture of ").input_ids])
    with torch.no_grad():
        made = model.generate(
            pixel_values=view, input_ids=prompt.clone(), do_sample=False, num_beams=1, repetition_penalty=1.1,
            min_length=5, max_length=20)[0].tolist()
        made = made[:made.index(end, 1) + 1] if end in made[1:] else made
        hidden = model.vision_model(view).last_hidden_state
        logits = model.text_decoder(
            input_ids=torch.tensor([made]), encoder_hidden_states=hidden).logits[0].log_softmax(-1)
    first = prompt.shape[1] - 1
    logprob = sum(logits[i - 1, made[i]].item() for i in range(first, len(made)))
    text = tokenizer.decode(made[first:], skip_special_tokens=True)
    return {"tokens": made, "logprob": logprob, "text": text}


def ranker(image):
    path = folder + "/ranker"
    merges = [tuple(m.split()) for m in "r e|re d</w>|c i|b l|bl u|blu e</w>|s t|st a|o n</w>|s q".split("|")]
    visible = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, extra = {b: chr(b) for b in visible}, 0
    for byte in range(256):
        if byte not in table:
            table[byte] = chr(256 + extra)
            extra += 1
    letters = list(table.values())
    words = letters + [letter + "</w>" for letter in letters] + ["".join(pair) for pair in merges]
    words += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: i for i, word in enumerate(words)}
    tokenizer = CLIPTokenizerFast(vocab=vocabulary, merges=merges)
    start, end = vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]
    config = CLIPConfig(
        text_config=dict(
            vocab_size=len(words), hidden_size=36, intermediate_size=52, num_hidden_layers=3, num_attention_heads=3,
            max_position_embeddings=77, bos_token_id=start, eos_token_id=end, projection_dim=20),
        vision_config=dict(
            hidden_size=44, intermediate_size=60, num_hidden_layers=2, num_attention_heads=4, image_size=42,
            patch_size=7, projection_dim=20), projection_dim=20)
    model = randomize(CLIPModel(config), 2)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    write_preprocessor(path, {"shortest_edge": 42}, {"height": 42, "width": 42})
    scale = 42 / min(image.size)
    resized = image.resize((int(image.width * scale), int(image.height * scale)), Image.Resampling.BICUBIC)
    left, top = (resized.width - 42) // 2, (resized.height - 42) // 2
    view = pixels(resized.crop((left, top, left + 42, top + 42)))
    scores = []
    with torch.no_grad():
        vector = model.visual_projection(model.vision_model(view).pooler_output)
        for caption in CAPTIONS:
            ids = torch.tensor([tokenizer(caption).input_ids])
            other = model.text_projection(model.text_model(ids).pooler_output)
            scores.append(torch.cosine_similarity(vector, other)[0].item())
    return scores


def main():
    random = numpy.random.default_rng(3)
    small = Image.fromarray(random.integers(0, 256, (9, 12, 3), dtype=numpy.uint8))
    image = small.resize((96, 72), Image.Resampling.BICUBIC)
    image.save(folder + "/image.png")
    with open(folder + "/expected.json", "w") as file:
        json.dump({"caption": captioner(image), "texts": CAPTIONS, "scores": ranker(image)}, file)


main()
