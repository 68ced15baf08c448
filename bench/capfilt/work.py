"""How many operations (a multiplication and an addition are two) the parts of an image's work need, in 10^9."""
import json

PROMPT, NEW, CAPTIONS = 4, 12, 10  # what `blip2 benchmark` runs


def block(tokens, width, inner, keys=None):
    """A transformer block: fused projections, attention over `keys` tokens, feed-forward."""
    return 2 * tokens * width * (4 * width + 2 * inner) + 4 * tokens * (keys or tokens) * width


def vision(c, last_whole):
    """An encoder; a pooled one computes keys and values alone for all tokens of its last block."""
    patches = (c["image_size"] // c["patch_size"]) ** 2
    tokens, width, inner = patches + 1, c["hidden_size"], c["intermediate_size"]
    layers = c["num_hidden_layers"] - (0 if last_whole else 1)
    last = 0 if last_whole else 2 * tokens * width * 3 * width + 2 * width * (width + 2 * inner)
    return 2 * patches * 3 * c["patch_size"] ** 2 * width + layers * block(tokens, width, inner) + last, tokens


def operations(cache, text_tokens):
    with open(f"{cache}/captioner/config.json") as file:
        blip = json.load(file)
    with open(f"{cache}/ranker/config.json") as file:
        clip = json.load(file)
    seeing, image_tokens = vision(blip["vision_config"], True)
    d = blip["text_config"]
    width, inner, layers = d["hidden_size"], d["intermediate_size"], d["num_hidden_layers"]
    cross = layers * 2 * image_tokens * blip["vision_config"]["hidden_size"] * 2 * width

    def token(past):
        """A token of the decoder: self-attention, cross-attention's query and output, feed-forward."""
        return block(1, width, inner, past) + 2 * 2 * width * width + 4 * image_tokens * width

    head = 2 * width * (width + d["vocab_size"])
    decode = sum(layers * token(past + 1) for past in range(PROMPT)) + head
    decode += CAPTIONS * sum(layers * token(PROMPT + step) + head for step in range(1, NEW))
    t = clip["text_config"]
    # Texts of up to 16 tokens, of 17 to 32 and so on run together, each group at its longest.
    groups = {}
    for tokens in text_tokens:
        groups.setdefault((tokens - 1) // 16, []).append(tokens)
    texts = sum(len(group) * t["num_hidden_layers"] * block(max(group), t["hidden_size"], t["intermediate_size"])
                for group in groups.values())
    figures = {
        "vision": seeing, "crossKeysValues": cross, "decode": decode,
        "rankImage": vision(clip["vision_config"], False)[0], "rankTexts": texts,
    }
    return {part: count * 1e-9 for part, count in figures.items()}
