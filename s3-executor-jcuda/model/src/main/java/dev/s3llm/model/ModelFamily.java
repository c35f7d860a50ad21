package dev.s3llm.model;

/** A family of decoders; families differ in their operations, not only in their sizes. */
public enum ModelFamily {
  /**
   * Llama and its relatives Mistral and Qwen2 (Touvron et al. 2023): RMSNorm, attention and then a
   * gated SiLU feed-forward, rotary embedding over whole heads.
   */
  LLAMA,

  /**
   * GPT-J (Wang and Komatsuzaki 2021): one LayerNorm before attention and a GELU feed-forward that
   * run side by side, rotary embedding over part of each head.
   */
  GPT_J
}
