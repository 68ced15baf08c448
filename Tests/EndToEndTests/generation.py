"""Language models to train phase 2 behind, and what transformers generates with a model of phase 2.

generation.py language opt|t5 FOLDER      writes a tiny random language model with a tokenizer, as transformers does
generation.py generate FOLDER IMAGE JSON  prints JSON: for each prompt of the list JSON the ids of the new tokens and the text,
                                          greedy and by five beams, and what was missing or too much when it was loaded
"""
import json
import os
import sys
import zlib

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import torch
from PIL import Image
from transformers import (
    AutoTokenizer, Blip2ForConditionalGeneration, BlipImageProcessor, OPTConfig, OPTForCausalLM, T5Config,
    T5ForConditionalGeneration)

TOKENIZERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Goldens", "tokenizers")
NEW = 8


def language(family, folder):
    tokenizer = AutoTokenizer.from_pretrained(os.path.join(TOKENIZERS, "opt" if family == "opt" else "t5-lists"))
    size = len(tokenizer) + 4
    if family == "opt":
        model = OPTForCausalLM(OPTConfig(
            vocab_size=size, hidden_size=32, word_embed_proj_dim=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=4,
            max_position_embeddings=128, pad_token_id=1, bos_token_id=2, eos_token_id=2))
    else:
        model = T5ForConditionalGeneration(T5Config(
            vocab_size=size, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_decoder_layers=2, num_heads=4,
            feed_forward_proj="gated-gelu", tie_word_embeddings=False, decoder_start_token_id=0, pad_token_id=0,
            eos_token_id=1))
    with torch.no_grad():
        for name, p in model.named_parameters():
            r = torch.randn(p.shape, generator=torch.Generator().manual_seed(zlib.crc32(name.encode())))
            p.copy_(1 + 0.1 * r if "norm" in name and name.endswith("weight") else 0.2 * r)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@torch.no_grad()
def generate(folder, image, prompts):
    model, report = Blip2ForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    pixels = BlipImageProcessor.from_pretrained(folder)(Image.open(image).convert("RGB"), return_tensors="pt")["pixel_values"]
    config = model.config
    made = []
    for prompt in prompts:
        ids = torch.tensor([[config.image_token_index] * config.num_query_tokens + tokenizer(prompt).input_ids])
        for beams in (1, 5):
            out = model.eval().generate(
                pixel_values=pixels, input_ids=ids, max_new_tokens=NEW, num_beams=beams, do_sample=False)[0].tolist()
            new = out[1:] if config.text_config.model_type == "t5" else out[ids.shape[1]:]
            end = config.text_config.eos_token_id
            new = new[:new.index(end) + 1] if end in new else new
            made.append({"tokens": new, "text": tokenizer.decode(new, skip_special_tokens=True).strip()})
    print(json.dumps({"made": made, "missing": sorted(map(str, report["missing_keys"])),
                      "unexpected": sorted(map(str, report["unexpected_keys"]))}))


if sys.argv[1] == "language":
    language(*sys.argv[2:4])
else:
    generate(sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
