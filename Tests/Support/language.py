"""Loads a language model that `blip2 train language-model` wrote with transformers: language.py MODEL TEXT...

Prints JSON: the ids of each text, ten greedy ids behind it, and what did not fit.
"""
import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import torch
from transformers import AutoConfig, AutoTokenizer, OPTForCausalLM, T5ForConditionalGeneration

path, texts = sys.argv[1], sys.argv[2:]
kind = {"opt": OPTForCausalLM, "t5": T5ForConditionalGeneration}[AutoConfig.from_pretrained(path).model_type]
model, report = kind.from_pretrained(path, dtype=torch.float32, output_loading_info=True)
tokenizer = AutoTokenizer.from_pretrained(path)
faults = [f"{key}: {sorted(map(str, report[key]))}" for key in ("missing_keys", "unexpected_keys", "mismatched_keys")
          if report[key]]
ids, made = [], []
with torch.no_grad():
    for text in texts:
        row = tokenizer(text).input_ids
        out = model.generate(torch.tensor([row]), max_new_tokens=10, do_sample=False, num_beams=1)[0].tolist()
        ids.append(row)
        made.append(out[1:] if kind is T5ForConditionalGeneration else out[len(row):])
print(json.dumps({"ids": ids, "made": made, "faults": faults}))
