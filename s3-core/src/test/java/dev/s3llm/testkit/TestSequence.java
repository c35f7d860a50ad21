package dev.s3llm.testkit;

import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.schedule.SequenceView;

/** A sequence for tests of planners, orders and recovery; its fields are set freely. */
public final class TestSequence implements SequenceView {
  private final long id;
  private final int promptTokens;
  private final int maxNewTokens;
  private int generatedTokens;
  private int kvTokens;
  private int reservedBlocks;
  private int outputFloorTokens;
  private int swappedTokens;
  private int priority;
  private String tenant = "";
  private boolean entitled;
  private LengthPrediction prediction;

  /** A waiting sequence that has generated nothing. */
  public TestSequence(long id, int promptTokens, int maxNewTokens) {
    this.id = id;
    this.promptTokens = promptTokens;
    this.maxNewTokens = maxNewTokens;
    this.prediction = LengthPrediction.uniform(maxNewTokens);
  }

  /** Sets the tokens generated so far. */
  public TestSequence generated(int tokens) {
    generatedTokens = tokens;
    return this;
  }

  /** Sets the tokens in device memory. */
  public TestSequence kv(int tokens) {
    kvTokens = tokens;
    return this;
  }

  /** Sets the blocks set aside. */
  public TestSequence reserved(int blocks) {
    reservedBlocks = blocks;
    return this;
  }

  /** Sets the least output that the next reservation covers. */
  public TestSequence floor(int tokens) {
    outputFloorTokens = tokens;
    return this;
  }

  /** Sets the tokens in host memory. */
  public TestSequence swapped(int tokens) {
    swappedTokens = tokens;
    return this;
  }

  /** Sets the priority. */
  public TestSequence priority(int value) {
    priority = value;
    return this;
  }

  /** Sets the tenant. */
  public TestSequence tenant(String name) {
    tenant = name;
    return this;
  }

  /** Sets the predicted length. */
  public TestSequence predicted(LengthPrediction length) {
    prediction = length;
    return this;
  }

  /** Entitles it to its worst case. */
  public TestSequence entitle() {
    entitled = true;
    return this;
  }

  @Override
  public long sequenceId() {
    return id;
  }

  @Override
  public String requestId() {
    return "r" + id;
  }

  @Override
  public int promptTokens() {
    return promptTokens;
  }

  @Override
  public int generatedTokens() {
    return generatedTokens;
  }

  @Override
  public int maxNewTokens() {
    return maxNewTokens;
  }

  @Override
  public int kvTokens() {
    return kvTokens;
  }

  @Override
  public LengthPrediction prediction() {
    return prediction;
  }

  @Override
  public int reservedBlocks() {
    return reservedBlocks;
  }

  @Override
  public int outputFloorTokens() {
    return outputFloorTokens;
  }

  @Override
  public int preemptions() {
    return outputFloorTokens > 0 ? 1 : 0;
  }

  @Override
  public boolean preemptionExempt() {
    return entitled;
  }

  @Override
  public int swappedTokens() {
    return swappedTokens;
  }

  @Override
  public int priority() {
    return priority;
  }

  @Override
  public String tenant() {
    return tenant;
  }

  @Override
  public String toString() {
    return requestId();
  }
}
