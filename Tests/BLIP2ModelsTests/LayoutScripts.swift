/// Scripts of transformers about the names of a checkpoint's tensors.
enum LayoutScripts {
    /// transformers' tiny models, one of each family.
    static let tiny = """
        import json, os, sys, torch
        from transformers import Blip2Config, Blip2ForConditionalGeneration, OPTConfig, T5Config
        opt = OPTConfig(vocab_size=60, hidden_size=16, num_hidden_layers=2, ffn_dim=32, num_attention_heads=2,
                        max_position_embeddings=40, word_embed_proj_dim=16)
        t5 = T5Config(vocab_size=60, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2,
                      feed_forward_proj="gated-gelu", tie_word_embeddings=False)
        def model(text):
            torch.manual_seed(1)
            vision = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, image_size=28,
                          patch_size=14)
            qformer = dict(hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=3,
                           encoder_hidden_size=32, vocab_size=50)
            config = Blip2Config(vision_config=vision, qformer_config=qformer, text_config=text.to_dict(),
                                 num_query_tokens=4, image_token_index=58)
            model = Blip2ForConditionalGeneration(config)
            if text is t5:
                model.language_model.lm_head.weight = torch.nn.Parameter(torch.randn(60, 16))
            return model.eval()

        """

    /// LAVIS's names of what transformers has: written down here again, apart from the code that is tested.
    static let lavis = """
        import re
        def lavis(name, kind):
            rules = [
                (r"^vision_model\\.post_layernorm\\.", "ln_vision."),
                (r"^vision_model\\.embeddings\\.class_embedding$", "visual_encoder.cls_token"),
                (r"^vision_model\\.embeddings\\.position_embedding$", "visual_encoder.pos_embed"),
                (r"^vision_model\\.embeddings\\.patch_embedding\\.", "visual_encoder.patch_embed.proj."),
                (r"^vision_model\\.encoder\\.layers\\.(\\d+)\\.layer_norm", r"visual_encoder.blocks.\\1.norm"),
                (r"^vision_model\\.encoder\\.layers\\.(\\d+)\\.self_attn\\.qkv", r"visual_encoder.blocks.\\1.attn.qkv"),
                (r"^vision_model\\.encoder\\.layers\\.(\\d+)\\.self_attn\\.projection", r"visual_encoder.blocks.\\1.attn.proj"),
                (r"^vision_model\\.encoder\\.layers\\.(\\d+)\\.mlp", r"visual_encoder.blocks.\\1.mlp"),
                (r"^qformer\\.layernorm\\.", "Qformer.bert.embeddings.LayerNorm."),
                (r"^qformer\\.encoder\\.layer\\.(\\d+)\\.(cross)?attention\\.attention\\.",
                 lambda m: f"Qformer.bert.encoder.layer.{m[1]}.{m[2] or ''}attention.self."),
                (r"^qformer\\.encoder\\.", "Qformer.bert.encoder."),
                (r"^language_projection\\.", kind + "_proj."), (r"^language_model\\.", kind + "_model."),
            ]
            for pattern, new in rules:
                if re.match(pattern, name): return re.sub(pattern, new, name)
            assert name == "query_tokens", name
            return name

        """
}
