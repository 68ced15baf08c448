"""What `blip2 generate` does, by transformers: peer.py MODEL BEAMS TOKENS DTYPE PROMPT IMAGE...

Images are read and prepared by its own processor, and go through the model in batches of 8. Prints a JSON object a line, as ours.
"""
import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from transformers import AutoTokenizer, Blip2ForConditionalGeneration, BlipImageProcessor  # noqa: E402

path, beams, tokens, dtype, prompt = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]
images = sys.argv[6:]
BATCH = 8
dtype = getattr(torch, dtype)
model = Blip2ForConditionalGeneration.from_pretrained(path, dtype=dtype).eval()
tokenizer, processor = AutoTokenizer.from_pretrained(path), BlipImageProcessor.from_pretrained(path)
config = model.config
ids = torch.tensor([[config.image_token_index] * config.num_query_tokens + tokenizer(prompt).input_ids])
with torch.inference_mode():
    for first in range(0, len(images), BATCH):
        part = images[first:first + BATCH]
        pixels = processor([Image.open(name).convert("RGB") for name in part], return_tensors="pt")["pixel_values"]
        made = model.generate(
            pixel_values=pixels.to(dtype), input_ids=ids.repeat(len(part), 1), num_beams=beams, do_sample=False,
            min_new_tokens=tokens, max_new_tokens=tokens)
        for name, row in zip(part, made.tolist()):
            print(json.dumps({"image": name, "tokens": row[-tokens:]}))
