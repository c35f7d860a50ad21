package dev.s3llm.onnx;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The ONNX session of a length model. Runs batches of prompts; shorter prompts are padded.
 *
 * <p>Thread-safe, except {@link #close}: to free a session in use crashes the JVM. {@link
 * LengthModel} counts uses.
 */
final class LengthClassifier implements AutoCloseable {
  private static final String IDS = "input_ids";
  private static final String MASK = "attention_mask";
  static final String LOGITS = "logits";
  static final String EMBEDDING = "embedding";

  private static final Set<String> OUTPUTS = Set.of(LOGITS, EMBEDDING);

  private final OnnxSession session;
  private final int classes;

  LengthClassifier(byte[] model, int classes, int threads) {
    this.classes = classes;
    this.session = new OnnxSession(model, threads);
    try {
      session.requireIntegerInputs(IDS, MASK);
      session.requireOutput(EMBEDDING);
      requireClasses(session.requireOutput(LOGITS));
    } catch (LengthModelException e) {
      close();
      throw e;
    }
  }

  private void requireClasses(long declared) {
    if (declared >= 0 && declared != classes) {
      throw new LengthModelException(
          "the model has %d classes, but %s has %d upper_edges"
              .formatted(declared, LengthModelFolder.DESCRIPTION, classes));
    }
  }

  /** Returns the number of classes, which is the number of logits. */
  int classes() {
    return classes;
  }

  /**
   * Runs a batch.
   *
   * @param prompts token ids, at least one for each prompt
   * @return the scores of each prompt, whose values may be not finite
   * @throws LengthModelException if the runtime fails or an output has the wrong shape
   */
  Scores[] run(List<long[]> prompts) {
    int width = prompts.stream().mapToInt(p -> p.length).max().orElseThrow();
    long[] ids = new long[prompts.size() * width];
    long[] mask = new long[ids.length];
    for (int i = 0; i < prompts.size(); i++) {
      long[] prompt = prompts.get(i);
      System.arraycopy(prompt, 0, ids, i * width, prompt.length);
      Arrays.fill(mask, i * width, i * width + prompt.length, 1);
    }
    Map<String, float[][]> result =
        session.runIntegers(prompts.size(), Map.of(IDS, ids, MASK, mask), OUTPUTS);
    Scores[] scores = new Scores[prompts.size()];
    for (int i = 0; i < scores.length; i++) {
      float[] logits = result.getOrDefault(LOGITS, new float[0][])[i];
      requireLength(logits);
      scores[i] = new Scores(logits, result.getOrDefault(EMBEDDING, new float[0][])[i]);
    }
    return scores;
  }

  private void requireLength(float[] logits) {
    if (logits.length != classes) {
      throw new LengthModelException(
          "the model's logits have %d values for %d buckets".formatted(logits.length, classes));
    }
  }

  @Override
  public void close() {
    session.close();
  }
}
