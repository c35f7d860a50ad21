package dev.s3llm.model.family;

import org.jspecify.annotations.Nullable;

/**
 * The names of a family's tensors in Hugging Face's files. Each is that of a module: {@code
 * .weight} is its matrix or scale, {@code .bias} its bias where it has one. Where two roles have
 * one name, their matrices are joined in that module, rows one after another.
 *
 * @param embedding module of the token embedding
 * @param finalNorm module of the norm before the output matrix
 * @param output module of the output matrix
 * @param layers prefix of a layer, before its number
 * @param norms the norms of a layer
 * @param attention the attention of a layer
 * @param feedForward the feed-forward part of a layer
 */
public record TensorNames(
    String embedding,
    String finalNorm,
    String output,
    String layers,
    Norms norms,
    Attention attention,
    FeedForward feedForward) {

  /**
   * The norms of a layer; null where it has none at that place.
   *
   * @param beforeAttention norm before the attention
   * @param afterAttention norm of the attention's result
   * @param beforeFeedForward norm before the feed-forward part
   * @param afterFeedForward norm of the feed-forward part's result
   */
  public record Norms(
      @Nullable String beforeAttention,
      @Nullable String afterAttention,
      @Nullable String beforeFeedForward,
      @Nullable String afterFeedForward) {}

  /**
   * The attention of a layer.
   *
   * @param query projection to queries
   * @param key projection to keys
   * @param value projection to values
   * @param output projection of the result
   * @param queryNorm norm on queries
   * @param keyNorm norm on keys
   * @param sinks logits without values: a tensor's whole name
   */
  public record Attention(
      String query,
      String key,
      String value,
      String output,
      String queryNorm,
      String keyNorm,
      String sinks) {}

  /**
   * The feed-forward part of a layer.
   *
   * @param router router of the experts
   * @param expert prefix of an expert, {@code %d} for its number
   * @param dense prefix of the part without experts
   * @param gate gate
   * @param up first matrix
   * @param down last matrix
   */
  public record FeedForward(
      String router, String expert, String dense, String gate, String up, String down) {}

  static final TensorNames LLAMA =
      new TensorNames(
          "model.embed_tokens",
          "model.norm",
          "lm_head",
          "model.layers.",
          new Norms("input_layernorm", null, "post_attention_layernorm", null),
          new Attention(
              "self_attn.q_proj",
              "self_attn.k_proj",
              "self_attn.v_proj",
              "self_attn.o_proj",
              "self_attn.q_norm",
              "self_attn.k_norm",
              "self_attn.sinks"),
          new FeedForward(
              "mlp.gate", "mlp.experts.%d.", "mlp.", "gate_proj", "up_proj", "down_proj"));

  /** Also with experts: the same names as Llama's where both have a tensor. */
  static final TensorNames QWEN3 = LLAMA;

  static final TensorNames MIXTRAL =
      LLAMA.with(
          new FeedForward(
              "block_sparse_moe.gate", "block_sparse_moe.experts.%d.", "mlp.", "w1", "w3", "w2"));

  static final TensorNames GPT_OSS =
      LLAMA.with(
          new FeedForward(
              "mlp.router", "mlp.experts.%d.", "mlp.", "gate_proj", "up_proj", "down_proj"));

  static final TensorNames GEMMA =
      LLAMA.with(
          new Norms(
              "input_layernorm",
              "post_attention_layernorm",
              "pre_feedforward_layernorm",
              "post_feedforward_layernorm"));

  static final TensorNames OLMO2 =
      LLAMA.with(new Norms(null, "post_attention_layernorm", null, "post_feedforward_layernorm"));

  static final TensorNames PHI3 =
      LLAMA
          .with(
              new Attention(
                  "self_attn.qkv_proj",
                  "self_attn.qkv_proj",
                  "self_attn.qkv_proj",
                  "self_attn.o_proj",
                  "",
                  "",
                  ""))
          .with(new FeedForward("", "", "mlp.", "gate_up_proj", "gate_up_proj", "down_proj"));

  static final TensorNames GPT_J =
      new TensorNames(
          "transformer.wte",
          "transformer.ln_f",
          "lm_head",
          "transformer.h.",
          new Norms("ln_1", null, null, null),
          new Attention("attn.q_proj", "attn.k_proj", "attn.v_proj", "attn.out_proj", "", "", ""),
          new FeedForward("", "", "mlp.", "", "fc_in", "fc_out"));

  private TensorNames with(Norms own) {
    return new TensorNames(embedding, finalNorm, output, layers, own, attention, feedForward);
  }

  private TensorNames with(Attention own) {
    return new TensorNames(embedding, finalNorm, output, layers, norms, own, feedForward);
  }

  private TensorNames with(FeedForward own) {
    return new TensorNames(embedding, finalNorm, output, layers, norms, attention, own);
  }
}
