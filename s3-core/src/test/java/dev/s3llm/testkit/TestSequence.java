package dev.s3llm.testkit;

import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.schedule.SequenceView;

/**
 * A sequence for tests of planners, scheduling policies and recovery policies; a test sets its
 * fields freely. Setters return the sequence itself. Not thread-safe.
 */
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
  private int slots;
  private double passesLeft;
  private double queueTurns;
  private String tenant = "";
  private boolean exempt;
  private long deadlineNanos = Long.MAX_VALUE;
  private LengthPrediction prediction;

  /**
   * Creates a waiting sequence without generated tokens. All output lengths up to the limit are
   * equally probable.
   *
   * @param id id of the sequence; its request id is {@code "r" + id}
   * @param promptTokens length of the prompt in tokens, at least 1
   * @param maxNewTokens output limit in tokens, at least 1
   */
  public TestSequence(long id, int promptTokens, int maxNewTokens) {
    this.id = id;
    this.promptTokens = promptTokens;
    this.maxNewTokens = maxNewTokens;
    this.prediction = LengthPrediction.uniform(maxNewTokens);
  }

  /**
   * Sets the number of tokens generated so far; 0 by default.
   *
   * @param tokens number of tokens, 0 or more
   */
  public TestSequence generated(int tokens) {
    generatedTokens = tokens;
    return this;
  }

  /**
   * Sets the number of tokens whose KV is in device memory; 0 by default.
   *
   * @param tokens number of tokens, 0 or more
   */
  public TestSequence kv(int tokens) {
    kvTokens = tokens;
    return this;
  }

  /**
   * Sets the number of reserved blocks; 0 by default.
   *
   * @param blocks number of blocks, 0 or more
   */
  public TestSequence reserved(int blocks) {
    reservedBlocks = blocks;
    return this;
  }

  /**
   * Sets the output tokens that the next reservation should cover; 0 by default. With a value above
   * 0 the sequence counts as preempted once.
   *
   * @param tokens number of tokens, 0 or more
   */
  public TestSequence floor(int tokens) {
    outputFloorTokens = tokens;
    return this;
  }

  /**
   * Sets the number of tokens whose KV is in host memory; 0 by default.
   *
   * @param tokens number of tokens, 0 or more
   */
  public TestSequence swapped(int tokens) {
    swappedTokens = tokens;
    return this;
  }

  /**
   * Sets the priority; 0 by default.
   *
   * @param value the priority; higher goes first
   */
  public TestSequence priority(int value) {
    priority = value;
    return this;
  }

  /**
   * Sets the tenant; empty by default.
   *
   * @param name name of the tenant
   */
  public TestSequence tenant(String name) {
    tenant = name;
    return this;
  }

  /**
   * Sets the predicted output length.
   *
   * @param length the prediction
   */
  public TestSequence predicted(LengthPrediction length) {
    prediction = length;
    return this;
  }

  /**
   * Sets that the sequence decodes on a canvas.
   *
   * @param slots KV slots of prompt and canvas, at least those of the prompt; the prompt's alone if
   *     the canvas is not known yet
   * @param stepsLeft steps that the sequence will still take, at least 1
   */
  public TestSequence canvas(int slots, double stepsLeft) {
    this.slots = slots;
    this.passesLeft = stepsLeft;
    return this;
  }

  /**
   * Sets the time of the timeout; none by default.
   *
   * @param nanos time in nanoseconds of the engine's clock
   */
  public TestSequence deadline(long nanos) {
    deadlineNanos = nanos;
    return this;
  }

  /**
   * Sets the turns that the queue had made when the sequence joined; 0 by default.
   *
   * @param turns number of turns, 0 or more
   */
  public TestSequence turns(double turns) {
    queueTurns = turns;
    return this;
  }

  /** Makes the sequence exempt from preemption. */
  public TestSequence exempt() {
    exempt = true;
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
    return exempt;
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
  public long deadlineNanos() {
    return deadlineNanos;
  }

  @Override
  public double queueTurns() {
    return queueTurns;
  }

  @Override
  public String tenant() {
    return tenant;
  }

  @Override
  public int slotsNeeded() {
    return Math.max(slots, contextTokens());
  }

  @Override
  public int stepTokens() {
    int end = canvas() && kvTokens < promptTokens ? promptTokens : slotsNeeded();
    return end - Math.max(kvTokens, swappedTokens);
  }

  @Override
  public double stepsLeft() {
    return canvas() ? passesLeft : SequenceView.super.stepsLeft();
  }

  @Override
  public boolean canvas() {
    return slots > 0;
  }

  @Override
  public boolean swappable() {
    return !canvas();
  }

  @Override
  public String toString() {
    return requestId();
  }
}
