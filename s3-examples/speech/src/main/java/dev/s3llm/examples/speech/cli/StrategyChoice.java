package dev.s3llm.examples.speech.cli;

import dev.s3llm.model.speech.Decoding.Strategy;

/** Strategies that {@code --strategy} offers. */
enum StrategyChoice {
  EASY_FIRST("easy-first", Strategy.EASY_FIRST),
  MASK_PREDICT("mask-predict", Strategy.MASK_PREDICT),
  LEFTMOST("leftmost", Strategy.LEFTMOST),
  LEFT_TO_RIGHT("left-to-right", Strategy.LEFT_TO_RIGHT),
  CTC("ctc", Strategy.CTC),
  MASK_CTC("mask-ctc", Strategy.MASK_CTC);

  private final String label;
  private final Strategy strategy;

  StrategyChoice(String label, Strategy strategy) {
    this.label = label;
    this.strategy = strategy;
  }

  Strategy strategy() {
    return strategy;
  }

  @Override
  public String toString() {
    return label;
  }
}
