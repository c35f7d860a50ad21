package dev.s3llm.model.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A GGUF file's metadata as the configuration that the model has in Hugging Face's form. Keys are
 * translated as llama.cpp's converter writes and its loader reads them.
 */
final class GgufConfig {
  /** Tokens that end an answer wherever a vocabulary has them, as in {@code llama-vocab.cpp}. */
  private static final Set<String> ENDS =
      Set.of(
          "<|eot_id|>",
          "<|im_end|>",
          "<|end|>",
          "<|return|>",
          "<|call|>",
          "<end_of_turn>",
          "<|endoftext|>",
          "<|eom_id|>",
          "<EOT>",
          "_<EOT>",
          "<|end_of_text|>");

  private static final int CONTROL = 3;

  private final GgufFile file;
  private final GgufArchitecture architecture;
  private final GgufKeys keys;
  private final ObjectNode json = JsonNodeFactory.instance.objectNode();

  private GgufConfig(GgufFile file, GgufArchitecture architecture) {
    this.file = file;
    this.architecture = architecture;
    this.keys = new GgufKeys(file.path(), file.metadata(), architecture.id());
  }

  /** Returns the configuration; its {@code head_dim} is always there. */
  static JsonNode read(GgufFile file, GgufArchitecture architecture) {
    GgufConfig config = new GgufConfig(file, architecture);
    config.shared();
    config.own();
    new GgufRope(file, architecture, config.keys).write(config.json);
    config.keys.refuseUnread();
    return config.json;
  }

  private void shared() {
    json.put("model_type", architecture.modelType());
    json.putArray("architectures").add(architecture.className());
    int hidden = keys.size("embedding_length");
    int heads = keys.size("attention.head_count");
    json.put("hidden_size", hidden);
    json.put("num_hidden_layers", keys.size("block_count"));
    json.put("num_attention_heads", heads);
    json.put("num_key_value_heads", keys.size("attention.head_count_kv", heads));
    int headSize = keys.size("attention.key_length", Math.max(1, hidden / heads));
    keys.require("attention.value_length", headSize);
    json.put("head_dim", headSize);
    json.put("intermediate_size", keys.size("feed_forward_length"));
    json.put("rms_norm_eps", keys.number("attention.layer_norm_rms_epsilon", 1e-5));
    json.put("max_position_embeddings", keys.size("context_length"));
    json.put("vocab_size", Math.toIntExact(file.shape("token_embd.weight").get(0)));
    json.put("tie_word_embeddings", !file.contains("output.weight"));
    ends();
    keys.require("attention.causal", true);
    keys.require("attention.max_alibi_bias", 0);
    keys.require("attention.clamp_kqv", 0);
    keys.require("attention.temperature_scale", 0);
    keys.require("use_parallel_residual", false);
    keys.require("pooling_type", 0);
    keys.require("nextn_predict_layers", 0);
  }

  private void ends() {
    Set<Integer> ends = new TreeSet<>();
    for (String key : List.of("eos_token_id", "eot_token_id", "eom_token_id")) {
      keys.token(key).ifPresent(ends::add);
    }
    List<?> tokens = keys.tokens();
    long[] kinds =
        file.metadata().get("tokenizer.ggml.token_type") instanceof long[] types
            ? types
            : new long[0];
    for (int i = 0; i < Math.min(tokens.size(), kinds.length); i++) {
      if (kinds[i] == CONTROL && ENDS.contains(tokens.get(i))) {
        ends.add(i);
      }
    }
    if (architecture == GgufArchitecture.GPT_OSS) {
      ends.remove(tokens.indexOf("<|end|>")); // ends a message, not the answer
    }
    ArrayNode list = json.putArray("eos_token_id");
    ends.forEach(list::add);
    keys.token("bos_token_id").ifPresent(id -> json.put("bos_token_id", id));
  }

  private void own() {
    switch (architecture) {
      case LLAMA, MISTRAL3 -> llama();
      case QWEN2, PHI3 -> activation();
      case QWEN3 -> {
        activation();
        attentionBias();
      }
      case QWEN3MOE -> qwen3Moe();
      case GEMMA2 -> gemma2();
      case GEMMA3 -> gemma3();
      case SMOLLM3 -> {
        activation();
        attentionBias();
        json.put("no_rope_layer_interval", 4);
      }
      case OLMO2 -> {
        activation();
        attentionBias();
      }
      case GRANITE -> granite();
      case GPT_OSS -> gptOss();
    }
    if (architecture == GgufArchitecture.PHI3) {
      window(0);
    }
  }

  private void activation() {
    json.put("hidden_act", "silu");
  }

  private void attentionBias() {
    json.put("attention_bias", file.contains("blk.0.attn_q.bias"));
  }

  private void llama() {
    activation();
    if (architecture == GgufArchitecture.MISTRAL3) {
      json.putNull("sliding_window");
    } else if (keys.number("expert_count", 0) > 0) {
      json.put("model_type", "mixtral");
      json.putArray("architectures").add("MixtralForCausalLM");
      json.put("num_local_experts", keys.size("expert_count"));
      json.put("num_experts_per_tok", keys.size("expert_used_count"));
    } else if (keys.number("attention.sliding_window", 0) > 0) {
      keys.require("expert_used_count", 0);
      json.put("model_type", "mistral");
      json.putArray("architectures").add("MistralForCausalLM");
      window(0);
    } else {
      keys.require("expert_used_count", 0);
      attentionBias();
      json.put("mlp_bias", file.contains("blk.0.ffn_gate.bias"));
    }
  }

  private void qwen3Moe() {
    activation();
    attentionBias();
    json.put("num_experts", keys.size("expert_count"));
    json.put("num_experts_per_tok", keys.size("expert_used_count"));
    json.put("moe_intermediate_size", keys.size("expert_feed_forward_length"));
    json.put("norm_topk_prob", true);
    json.put("decoder_sparse_step", 1);
    keys.require("expert_gating_func", 1);
    keys.require("expert_weights_scale", 1);
    keys.require("expert_weights_norm", true);
  }

  private void gemma(int layersOfTheLargest) {
    json.put("hidden_activation", "gelu_pytorch_tanh");
    int heads = json.get("num_attention_heads").asInt();
    boolean largest = json.get("num_hidden_layers").asInt() == layersOfTheLargest;
    int scalar = largest ? json.get("hidden_size").asInt() / heads : json.get("head_dim").asInt();
    json.put("query_pre_attn_scalar", scalar);
  }

  private void gemma2() {
    gemma(46);
    json.put("attn_logit_softcapping", keys.number("attn_logit_softcapping", 50));
    json.put("final_logit_softcapping", keys.number("final_logit_softcapping", 30));
    window(4096);
    windowedLayers(2);
  }

  private void gemma3() {
    gemma(62);
    softcap("attn_logit_softcapping");
    softcap("final_logit_softcapping");
    window(0);
    windowedLayers(6);
  }

  private void softcap(String key) {
    if (keys.number(key, 0) != 0) {
      json.put(key, keys.number(key, 0));
    } else {
      json.putNull(key);
    }
  }

  private void granite() {
    activation();
    attentionBias();
    json.put("mlp_bias", file.contains("blk.0.ffn_gate.bias"));
    keys.require("rope.scaling.finetuned", true);
    double scale = 1 / Math.sqrt(json.get("head_dim").asDouble());
    json.put("attention_multiplier", keys.number("attention.scale", scale));
    json.put("embedding_multiplier", keys.number("embedding_scale", 1));
    json.put("residual_multiplier", keys.number("residual_scale", 1));
    json.put("logits_scaling", keys.number("logit_scale", 1));
    keys.require("expert_count", 0);
    keys.require("expert_used_count", 0);
  }

  private void gptOss() {
    activation();
    json.put("attention_bias", true);
    json.put("num_local_experts", keys.size("expert_count"));
    json.put("num_experts_per_tok", keys.size("expert_used_count"));
    json.put("intermediate_size", keys.size("expert_feed_forward_length"));
    keys.require("expert_gating_func", 1);
    window(128);
    windowedLayers(2);
  }

  private void window(int byDefault) {
    int window = (int) keys.number("attention.sliding_window", byDefault);
    if (window > 0) {
      json.put("sliding_window", window);
    } else {
      json.putNull("sliding_window");
    }
  }

  /** Writes which layers have the window: all but the last of each period, or as a list says. */
  private void windowedLayers(int byDefault) {
    int layers = json.get("num_hidden_layers").asInt();
    Object pattern = keys.value("attention.sliding_window_pattern");
    boolean[] listed =
        pattern instanceof boolean[] flags && flags.length == layers ? flags : new boolean[0];
    int period =
        pattern == null || listed.length > 0
            ? byDefault
            : keys.size("attention.sliding_window_pattern");
    boolean none = json.path("sliding_window").isNull();
    ArrayNode types = json.putArray("layer_types");
    for (int i = 0; i < layers; i++) {
      boolean windowed = listed.length > 0 ? listed[i] : i % period < period - 1;
      types.add(windowed && !none ? "sliding_attention" : "full_attention");
    }
  }
}
