package dev.s3llm.model;

import org.jspecify.annotations.Nullable;

/**
 * The names of a family's tensors in Hugging Face's files. Each name is that of a module: {@code
 * .weight} is its matrix or scale, {@code .bias} its bias where it has one.
 *
 * @param embedding module of the token embedding
 * @param layers prefix of a layer, before its number
 * @param layer modules of a layer, after its number
 * @param finalNorm module of the norm before the output matrix
 * @param output module of the output matrix
 */
public record WeightNames(
    String embedding, String layers, Layer layer, String finalNorm, String output) {

  /**
   * The names of the modules of one layer.
   *
   * @param attentionNorm norm before the attention
   * @param query query projection
   * @param key key projection
   * @param value value projection
   * @param attentionOutput projection of the attention's result
   * @param feedForwardNorm norm before the feed-forward part; null where both parts share one
   * @param gate gate of the feed-forward part; null where it has none
   * @param up first matrix of the feed-forward part
   * @param down last matrix of the feed-forward part
   */
  public record Layer(
      String attentionNorm,
      String query,
      String key,
      String value,
      String attentionOutput,
      @Nullable String feedForwardNorm,
      @Nullable String gate,
      String up,
      String down) {}

  /**
   * Returns the names of a family.
   *
   * @param family the model's family
   */
  public static WeightNames of(ModelFamily family) {
    return switch (family) {
      case LLAMA ->
          new WeightNames(
              "model.embed_tokens",
              "model.layers.",
              new Layer(
                  "input_layernorm",
                  "self_attn.q_proj",
                  "self_attn.k_proj",
                  "self_attn.v_proj",
                  "self_attn.o_proj",
                  "post_attention_layernorm",
                  "mlp.gate_proj",
                  "mlp.up_proj",
                  "mlp.down_proj"),
              "model.norm",
              "lm_head");
      case GPT_J ->
          new WeightNames(
              "transformer.wte",
              "transformer.h.",
              new Layer(
                  "ln_1",
                  "attn.q_proj",
                  "attn.k_proj",
                  "attn.v_proj",
                  "attn.out_proj",
                  null,
                  null,
                  "mlp.fc_in",
                  "mlp.fc_out"),
              "transformer.ln_f",
              "lm_head");
    };
  }

  /**
   * Returns the full names of a layer's modules.
   *
   * @param number index of the layer, from 0
   */
  public Layer layer(int number) {
    String prefix = layers + number + ".";
    String norm = layer.feedForwardNorm;
    String gate = layer.gate;
    return new Layer(
        prefix + layer.attentionNorm,
        prefix + layer.query,
        prefix + layer.key,
        prefix + layer.value,
        prefix + layer.attentionOutput,
        norm == null ? null : prefix + norm,
        gate == null ? null : prefix + gate,
        prefix + layer.up,
        prefix + layer.down);
  }
}
