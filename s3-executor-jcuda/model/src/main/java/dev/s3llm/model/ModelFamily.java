package dev.s3llm.model;

/** Families of decoders that differ in more than their numbers. */
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
