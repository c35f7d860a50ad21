package dev.s3llm.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.LongBuffer;
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

  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final int classes;

  LengthClassifier(byte[] model, int classes, int threads) {
    OnnxFileCheck.requireSelfContained(model);
    this.classes = classes;
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      options.addConfigEntry("session.load_model_format", "ONNX"); // the check has read ONNX
      options.setSessionLogLevel(
          OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR); // the runtime logs to stderr
      this.session = environment.createSession(model, options);
    } catch (OrtException e) {
      throw new LengthModelException("ONNX Runtime refuses the model: " + e.getMessage(), e);
    }
    try {
      requireTensor(inputs(), IDS, OnnxJavaType.INT64);
      requireTensor(inputs(), MASK, OnnxJavaType.INT64);
      requireTensor(outputs(), LOGITS, OnnxJavaType.FLOAT);
      requireTensor(outputs(), EMBEDDING, OnnxJavaType.FLOAT);
      requireClasses();
    } catch (LengthModelException e) {
      close();
      throw e;
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
    try {
      return runChecked(prompts);
    } catch (OrtException e) {
      throw new LengthModelException("the model failed: " + e.getMessage(), e);
    }
  }

  private Scores[] runChecked(List<long[]> prompts) throws OrtException {
    int width = prompts.stream().mapToInt(p -> p.length).max().orElseThrow();
    long[] ids = new long[prompts.size() * width];
    long[] mask = new long[ids.length];
    for (int i = 0; i < prompts.size(); i++) {
      long[] prompt = prompts.get(i);
      System.arraycopy(prompt, 0, ids, i * width, prompt.length);
      Arrays.fill(mask, i * width, i * width + prompt.length, 1);
    }
    long[] shape = {prompts.size(), width};
    try (OnnxTensor idTensor = OnnxTensor.createTensor(environment, LongBuffer.wrap(ids), shape);
        OnnxTensor maskTensor = OnnxTensor.createTensor(environment, LongBuffer.wrap(mask), shape);
        OrtSession.Result result = session.run(Map.of(IDS, idTensor, MASK, maskTensor), OUTPUTS)) {
      float[][] logits = rows(result, LOGITS, prompts.size());
      float[][] embeddings = rows(result, EMBEDDING, prompts.size());
      Scores[] scores = new Scores[prompts.size()];
      for (int i = 0; i < scores.length; i++) {
        scores[i] = new Scores(logits[i], embeddings[i]);
      }
      return scores;
    }
  }

  private float[][] rows(OrtSession.Result result, String name, int count) throws OrtException {
    Object value = result.get(name).orElseThrow().getValue();
    if (!(value instanceof float[][] rows) || rows.length != count) {
      throw new LengthModelException(
          "the model's output '%s' is not one row for each of %d prompts".formatted(name, count));
    }
    for (float[] row : rows) {
      if (name.equals(LOGITS) && row.length != classes) {
        throw new LengthModelException(
            "the model's logits have %d values for %d buckets".formatted(row.length, classes));
      }
    }
    return rows;
  }

  private Map<String, NodeInfo> inputs() {
    try {
      return session.getInputInfo();
    } catch (OrtException e) {
      throw new LengthModelException("the model's inputs cannot be read: " + e.getMessage(), e);
    }
  }

  private Map<String, NodeInfo> outputs() {
    try {
      return session.getOutputInfo();
    } catch (OrtException e) {
      throw new LengthModelException("the model's outputs cannot be read: " + e.getMessage(), e);
    }
  }

  private static TensorInfo requireTensor(
      Map<String, NodeInfo> nodes, String name, OnnxJavaType type) {
    NodeInfo node = nodes.get(name);
    if (node == null) {
      throw new LengthModelException(
          "the model has no '%s'; it has %s".formatted(name, nodes.keySet()));
    }
    if (!(node.getInfo() instanceof TensorInfo info)
        || info.type != type
        || info.getShape().length != 2) {
      throw new LengthModelException(
          "'%s' must be a matrix of %s, but is %s".formatted(name, type, node.getInfo()));
    }
    return info;
  }

  private void requireClasses() {
    long declared = requireTensor(outputs(), LOGITS, OnnxJavaType.FLOAT).getShape()[1];
    if (declared >= 0 && declared != classes) {
      throw new LengthModelException(
          "the model has %d classes, but %s has %d upper_edges"
              .formatted(declared, LengthModelFolder.DESCRIPTION, classes));
    }
    if (inputs().size() != 2) {
      throw new LengthModelException(
          "the model must have the inputs %s and %s only, but has %s"
              .formatted(IDS, MASK, inputs().keySet()));
    }
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new LengthModelException("the model cannot be released: " + e.getMessage(), e);
    }
  }
}
