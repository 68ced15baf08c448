"""Times transformers on the same checkpoints and the same work: peer.py CAPTIONER RANKER --images N --tokens T --text-tokens L

Prints JSON: seconds an image of captioning (`generate` with ten sampled captions) and of ranking (`CLIPModel`, texts padded to
77), of each round.
"""
import argparse
import json
import os
import time

os.environ["HF_HUB_OFFLINE"] = "1"
import torch  # noqa: E402
from transformers import BlipForConditionalGeneration, CLIPModel  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("captioner")
parser.add_argument("ranker")
parser.add_argument("--images", type=int, default=8)
parser.add_argument("--batch", type=int, default=4)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--tokens", type=int, default=12)
parser.add_argument("--count", type=int, default=10)
parser.add_argument("--text-tokens", type=int, default=14)
parser.add_argument("--dtype", default="bfloat16")
a = parser.parse_args()
dtype = getattr(torch, a.dtype)
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(1)

captioner = BlipForConditionalGeneration.from_pretrained(a.captioner, dtype=dtype).to(device).eval()
ranker = CLIPModel.from_pretrained(a.ranker, dtype=dtype).to(device).eval()
prompt = torch.tensor([[30522, 10, 11, 12, 3]]).to(device)
ids = torch.randint(600, 40000, (a.count + 1, 77)).to(device)
ids[:, 0] = ranker.config.text_config.bos_token_id
ids[:, a.text_tokens - 1:] = ranker.config.text_config.eos_token_id


def caption(pixels):
    captioner.generate(
        pixel_values=pixels, input_ids=prompt.repeat(len(pixels), 1), do_sample=True, top_p=0.9, top_k=50,
        repetition_penalty=1.1, num_return_sequences=a.count, min_length=a.tokens + 4, max_length=a.tokens + 4)


def rank(pixels):
    texts = ids.repeat(len(pixels), 1)
    ranker(input_ids=texts, pixel_values=pixels, attention_mask=torch.ones_like(texts))


def timed(work, side):
    start = time.time()
    for first in range(0, a.images, a.batch):
        work(torch.randn(min(a.batch, a.images - first), 3, side, side, dtype=dtype, device=device))
    if device == "cuda":
        torch.cuda.synchronize()
    return (time.time() - start) / a.images


result = {"caption": [], "rank": [], "dtype": a.dtype}
with torch.inference_mode():
    for turn in range(a.rounds + 1):
        seconds = timed(caption, captioner.config.vision_config.image_size), timed(
            rank, ranker.config.vision_config.image_size)
        if turn > 0:
            result["caption"].append(seconds[0])
            result["rank"].append(seconds[1])
print(json.dumps(result))
