/// Keys of a model's description that change neither pixels nor logits nor tokens: the one list of them.
///
/// A key that is neither read nor listed here is refused. Null, and empty lists, objects and texts, say nothing.
/// Source: transformers 4.16 to 5.23, what `PreTrainedConfig`, `GenerationConfig`, `ImagesKwargs` and the classes of BLIP
/// and CLIP write, and what their code reads.
package struct HarmlessKeys: Sendable {
    enum Fault {
        /// The key is known, and harmless with other values only.
        case otherValue(String)
        case unknown
    }

    /// Keys that change nothing whatever their value.
    private let names: Set<String>
    /// Keys that change nothing with this one value.
    private let values: [String: ConfigurationValue]

    func judge(_ key: String, _ value: ConfigurationValue) -> Fault? {
        if value.isEmpty || names.contains(key) { return nil }
        guard let wanted = values[key] else { return .unknown }
        return value == wanted ? nil : .otherValue(wanted.shown)
    }

    /// Of a model as a whole.
    package static let ofModels = HarmlessKeys(
        names: common.union([
            "image_text_hidden_size", "initializer_factor", "label_smoothing", "logit_scale_init_value",
            "projection_dim",  // CLIP's is read
        ]).union(generationNames).union(generationValues.keys), values: commonValues)

    /// Of image and text transformers, which generate nothing by themselves.
    package static let ofTowers = HarmlessKeys(
        names: common.union(["dropout", "initializer_factor", "projection_dim"]).union(generationNames).union(
            generationValues.keys), values: commonValues)

    /// Of a BLIP-2 model as a whole; the image encoder, the Q-Former and the language model have objects of their own.
    package static let ofBLIP2 = HarmlessKeys(
        names: common.union(["image_token_index", "initializer_factor", "use_decoder_only_language_model"])
            .union(generationNames).union(generationValues.keys), values: commonValues)

    /// Of BLIP-2's Q-Former.
    package static let ofQFormers = HarmlessKeys(
        names: common.union(["use_qformer_text_input"]).union(generationNames).union(generationValues.keys),
        values: commonValues.merging(["position_embedding_type": .text("absolute")]) { $1 })

    /// Of a BERT that a Q-Former starts from.
    package static let ofBERT = HarmlessKeys(
        names: common.union(["classifier_dropout", "type_vocab_size"]).union(generationNames).union(
            generationValues.keys),
        values: commonValues.merging(["position_embedding_type": .text("absolute")]) { $1 })

    /// Of BLIP's text decoder, where old files keep what `generation_config.json` says.
    ///
    /// The width of the image states is the image transformer's, whatever `encoder_hidden_size` says, as in
    /// transformers.
    package static let ofDecoder = HarmlessKeys(
        names: common.union([
            "encoder_hidden_size", "initializer_factor", "label_smoothing", "projection_dim", "type_vocab_size",
        ]).union(generationNames),
        values: commonValues.merging(generationValues) { $1 }
            .merging(["position_embedding_type": .text("absolute")]) { $1 })

    /// Of OPT and T5, by themselves or in a BLIP-2 model.
    package static let ofLanguageModels = HarmlessKeys(
        names: common.union([
            "activation_dropout", "classifier_dropout", "dropout", "dropout_rate", "init_std", "initializer_factor",
            "layerdrop", "n_positions", "output_past",
        ]).union(generationNames), values: generationValues)

    /// Of `generation_config.json`.
    package static let ofGeneration = HarmlessKeys(names: generationNames, values: generationValues)

    /// Of image processors.
    package static let ofImageProcessors = HarmlessKeys(
        names: [
            "_processor_class", "_valid_processor_keys", "device", "disable_grouping", "processor_class",
            "return_tensors", "image_seq_length", "input_data_format",
        ], values: ["data_format": .text("channels_first"), "use_square_size": .flag(false)])

    /// Of `processor_config.json`, beside its image processor.
    package static let ofProcessors = HarmlessKeys(
        names: ["processor_class", "_processor_class", "return_token_type_ids", "image_token", "num_query_tokens"],
        values: [:])

    /// What is said of the file, of training, and of how results are handed out; the type of the weights, for which the
    /// manifest's `precision` stands.
    private static let common: Set = [
        "_attn_implementation", "_attn_implementation_autoset", "_commit_hash", "_name_or_path", "_notice",
        "add_cross_attention", "architectures", "attention_dropout", "attention_probs_dropout_prob",
        "attn_implementation", "chunk_size_feed_forward", "cross_attention_hidden_size", "dtype", "finetuning_task",
        "gradient_checkpointing", "hidden_dropout_prob",
        "id2label", "initializer_range", "is_decoder", "is_encoder_decoder", "label2id", "model_type", "name_or_path",
        "num_labels",
        "output_attentions", "output_hidden_states", "prefix", "problem_type", "return_dict", "sep_token_id",
        "task_specific_params", "tf_legacy_loss", "tie_encoder_decoder", "tie_word_embeddings", "tokenizer_class",
        "torch_dtype", "torchscript", "transformers_version", "use_bfloat16", "use_cache",
    ]

    private static let commonValues: [String: ConfigurationValue] = ["num_channels": .number(3)]

    /// What the manifest's own keys say instead (`prompt`, `count`, `top_p`, `top_k`, `min_length`, `max_length`,
    /// `repetition_penalty`), what works on beams alone, the ids that the model's configuration and tokenizer say, and
    /// how results are handed out.
    private static let generationNames: Set = [
        "_from_model_config", "bos_token_id", "cache_config", "cache_implementation", "compile_config",
        "decoder_start_token_id", "disable_compile", "do_sample", "early_stopping", "eos_token_id", "length_penalty",
        "low_memory", "max_length", "max_new_tokens", "min_length", "min_new_tokens", "num_return_sequences",
        "output_attentions", "output_hidden_states", "output_logits", "output_scores", "pad_token_id",
        "prefill_chunk_size", "repetition_penalty", "return_dict_in_generate", "return_legacy_cache", "top_k", "top_p",
        "transformers_version", "use_cache",
    ]

    /// What would change what is generated, and the value that changes nothing.
    private static let generationValues: [String: ConfigurationValue] = [
        "diversity_penalty": .number(0), "encoder_no_repeat_ngram_size": .number(0),
        "encoder_repetition_penalty": .number(1), "epsilon_cutoff": .number(0), "eta_cutoff": .number(0),
        "guidance_scale": .number(1), "no_repeat_ngram_size": .number(0), "num_beam_groups": .number(1),
        "num_beams": .number(1), "remove_invalid_values": .flag(false), "renormalize_logits": .flag(false),
        "temperature": .number(1), "token_healing": .flag(false), "typical_p": .number(1),
    ]
}
