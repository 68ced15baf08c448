"""Loads checkpoints that `blip2 train` wrote with transformers, and prints what it makes of them: trained.py CAPTIONER RANKER IMAGE

Prints JSON: the greedy caption's ids and the sum of its log-probabilities; cosine similarities of three captions.
"""
import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import torch
from PIL import Image
from transformers import (
    BertTokenizerFast, BlipForConditionalGeneration, BlipImageProcessor, CLIPImageProcessor, CLIPModel, CLIPTokenizerFast)

captioner_path, ranker_path, image_path = sys.argv[1:4]
CAPTIONS = ["a red circle", "a large blue square on a striped background", "two stars"]
image = Image.open(image_path).convert("RGB")
with torch.no_grad():
    tokenizer = BertTokenizerFast.from_pretrained(captioner_path)
    model, report = BlipForConditionalGeneration.from_pretrained(
        captioner_path, dtype=torch.float32, output_loading_info=True)
    view = BlipImageProcessor.from_pretrained(captioner_path)(image, return_tensors="pt")["pixel_values"]
    prompt = torch.tensor([tokenizer("a picture of ").input_ids])
    end = model.config.text_config.sep_token_id
    made = model.generate(
        pixel_values=view, input_ids=prompt.clone(), do_sample=False, num_beams=1, repetition_penalty=1.1, min_length=5,
        max_length=20)[0].tolist()
    made = made[:made.index(end, 1) + 1] if end in made[1:] else made
    hidden = model.vision_model(view).last_hidden_state
    logits = model.text_decoder(input_ids=torch.tensor([made]), encoder_hidden_states=hidden).logits[0].log_softmax(-1)
    logprob = sum(logits[i - 1, made[i]].item() for i in range(prompt.shape[1] - 1, len(made)))

    tokenizer = CLIPTokenizerFast.from_pretrained(ranker_path)
    ranker, other = CLIPModel.from_pretrained(ranker_path, dtype=torch.float32, output_loading_info=True)
    view = CLIPImageProcessor.from_pretrained(ranker_path)(image, return_tensors="pt")["pixel_values"]
    scores = []
    for caption in CAPTIONS:
        ids = torch.tensor([tokenizer(caption).input_ids])
        out = ranker(input_ids=ids, pixel_values=view)
        scores.append(torch.cosine_similarity(out.image_embeds, out.text_embeds)[0].item())
loading = {key: sorted(map(str, report[key])) + sorted(map(str, other[key])) for key in ("missing_keys", "unexpected_keys")}
print(json.dumps({"tokens": made, "logprob": logprob, "captions": CAPTIONS, "scores": scores, **loading}))
