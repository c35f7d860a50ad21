package dev.s3llm.model.family;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.Set;

/**
 * What is known of configuration keys that a family does not read. A key that nobody knows is
 * refused if a part of its name stands for arithmetic, and else is without effect: folders carry
 * many keys of tools and of training.
 */
final class KnownKeys {
  /** Keys of training, generation, tools and heads that are not used here. */
  private static final Set<String> HARMLESS =
      Set.of(
          "_attn_implementation",
          "_attn_implementation_autoset",
          "_flash_attn_2_enabled",
          "_name_or_path",
          "add_cross_attention",
          "attn_implementation",
          "auto_map",
          "bad_words_ids",
          "begin_suppress_tokens",
          "cache_implementation",
          "chunk_size_feed_forward",
          "cross_attention_hidden_size",
          "early_stopping",
          "experts_implementation",
          "finetuning_task",
          "flash_attention",
          "gradient_checkpointing",
          "id2label",
          "initial_context_length",
          "initializer_range",
          "is_decoder",
          "is_llama_config",
          "keys_to_ignore_at_inference",
          "label2id",
          "length_penalty",
          "n_ctx",
          "num_labels",
          "output_attentions",
          "output_hidden_states",
          "output_router_logits",
          "pretraining_tp",
          "problem_type",
          "quantization_config",
          "repetition_penalty",
          "return_dict",
          "router_aux_loss_coef",
          "router_jitter_noise",
          "suppress_tokens",
          "task_specific_params",
          "temperature",
          "tf_legacy_loss",
          "tie_encoder_decoder",
          "tokenizer_class",
          "top_k",
          "top_p",
          "torch_dtype",
          "torchscript",
          "transformers_version",
          "typical_p",
          "use_bfloat16",
          "use_cache",
          "use_flash_attn",
          "use_flash_attention");

  /** Words in the names of keys that change arithmetic. */
  private static final Set<String> ARITHMETIC =
      Set.of(
          "act",
          "activation",
          "adapter",
          "alibi",
          "attention",
          "attn",
          "bias",
          "cap",
          "chunk",
          "clip",
          "conv",
          "emb",
          "embedding",
          "embeddings",
          "expert",
          "experts",
          "ffn",
          "gate",
          "gated",
          "hidden",
          "interleaved",
          "kv",
          "layer",
          "layernorm",
          "layers",
          "logit",
          "logits",
          "lora",
          "mamba",
          "mlp",
          "moe",
          "multiplier",
          "mup",
          "norm",
          "normalization",
          "norms",
          "parallel",
          "position",
          "positions",
          "qk",
          "qkv",
          "residual",
          "rmsnorm",
          "rope",
          "rotary",
          "router",
          "scale",
          "scaled",
          "scaling",
          "shared",
          "sink",
          "sinks",
          "sliding",
          "softcap",
          "softcapping",
          "ssm",
          "tie",
          "window");

  private KnownKeys() {}

  /** Returns whether a key is known to have no effect on the arithmetic. */
  static boolean harmless(String name) {
    return HARMLESS.contains(name)
        || name.endsWith("dropout")
        || name.endsWith("pdrop")
        || name.endsWith("_token_id")
        || name.endsWith("_version")
        || name.startsWith("summary_")
        || name.startsWith("unsloth")
        || name.startsWith("num_beam")
        || name.startsWith("transformers.");
  }

  /** Returns whether a key with this value may change the arithmetic of a model. */
  static boolean changesArithmetic(String name, JsonNode value) {
    return !harmless(name)
        && !neutral(name, value)
        && Arrays.stream(name.split("[_.]")).anyMatch(ARITHMETIC::contains);
  }

  /** Returns whether a value is that of a model without the key. */
  private static boolean neutral(String name, JsonNode value) {
    if (value.isNumber()) {
      boolean factor =
          name.endsWith("multiplier")
              || name.endsWith("scale")
              || name.endsWith("scaling")
              || name.endsWith("factor");
      return value.asDouble() == (factor ? 1 : 0);
    }
    return value.isNull()
        || (value.isBoolean() && !value.asBoolean())
        || (value.isTextual() && value.asText().isEmpty())
        || (value.isContainerNode() && value.isEmpty());
  }
}
