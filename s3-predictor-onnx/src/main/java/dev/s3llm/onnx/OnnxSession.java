package dev.s3llm.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * A session of ONNX Runtime for a model whose inputs and outputs are matrices.
 *
 * <p>Thread-safe, except {@link #close}: to free a session in use crashes the JVM, so its owner
 * counts uses or uses it on one thread.
 */
final class OnnxSession implements AutoCloseable {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;

  /**
   * Opens a model.
   *
   * @param model content of the ONNX file
   * @param threads threads of one run, at least 1
   * @throws LengthModelException if the file is refused, naming the reason
   */
  OnnxSession(byte[] model, int threads) {
    OnnxFileCheck.requireSelfContained(model);
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
  }

  /** Requires the inputs with these names, matrices of integers, and no others. */
  void requireIntegerInputs(String... names) {
    requireInputs(OnnxJavaType.INT64, names);
  }

  /** Requires the inputs with these names, matrices of floats, and no others. */
  void requireFloatInputs(String... names) {
    requireInputs(OnnxJavaType.FLOAT, names);
  }

  private void requireInputs(OnnxJavaType type, String... names) {
    for (String name : names) {
      requireMatrix(inputs(), name, type);
    }
    if (inputs().size() != names.length) {
      throw new LengthModelException(
          "the model must have the inputs %s only, but has %s"
              .formatted(String.join(" and ", names), inputs().keySet()));
    }
  }

  /**
   * Requires an output that is a matrix of floats.
   *
   * @return the number of its columns; negative if the model leaves it open
   */
  long requireOutput(String name) {
    return requireMatrix(outputs(), name, OnnxJavaType.FLOAT).getShape()[1];
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

  private static TensorInfo requireMatrix(
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

  /**
   * Runs the model with matrices of integers.
   *
   * @param rows number of rows of each input and each output
   * @param inputs the values of each input, row by row
   * @param outputs names of the outputs to compute
   * @return the outputs by name
   * @throws LengthModelException if the runtime fails or an output has another number of rows
   */
  Map<String, float[][]> runIntegers(int rows, Map<String, long[]> inputs, Set<String> outputs) {
    Map<String, OnnxTensor> tensors = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, long[]> input : inputs.entrySet()) {
        LongBuffer values = LongBuffer.wrap(input.getValue());
        long[] shape = {rows, input.getValue().length / rows};
        tensors.put(input.getKey(), OnnxTensor.createTensor(environment, values, shape));
      }
      return run(rows, tensors, outputs);
    } catch (OrtException e) {
      throw new LengthModelException("the model failed: " + e.getMessage(), e);
    } finally {
      tensors.values().forEach(OnnxTensor::close);
    }
  }

  /**
   * Runs the model with matrices of floats; otherwise like {@link #runIntegers}.
   *
   * @param rows number of rows of each input and each output
   * @param inputs the values of each input, row by row
   * @param outputs names of the outputs to compute
   * @return the outputs by name
   * @throws LengthModelException if the runtime fails or an output has another number of rows
   */
  Map<String, float[][]> runFloats(int rows, Map<String, float[]> inputs, Set<String> outputs) {
    Map<String, OnnxTensor> tensors = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, float[]> input : inputs.entrySet()) {
        FloatBuffer values = FloatBuffer.wrap(input.getValue());
        long[] shape = {rows, input.getValue().length / rows};
        tensors.put(input.getKey(), OnnxTensor.createTensor(environment, values, shape));
      }
      return run(rows, tensors, outputs);
    } catch (OrtException e) {
      throw new LengthModelException("the model failed: " + e.getMessage(), e);
    } finally {
      tensors.values().forEach(OnnxTensor::close);
    }
  }

  private Map<String, float[][]> run(int rows, Map<String, OnnxTensor> tensors, Set<String> outputs)
      throws OrtException {
    Map<String, float[][]> values = new LinkedHashMap<>();
    try (OrtSession.Result result = session.run(tensors, outputs)) {
      for (String name : outputs) {
        values.put(name, matrix(result, name, rows));
      }
    }
    return values;
  }

  private static float[][] matrix(OrtSession.Result result, String name, int count)
      throws OrtException {
    Object value = result.get(name).orElseThrow().getValue();
    if (!(value instanceof float[][] rows) || rows.length != count) {
      throw new LengthModelException(
          "the model's output '%s' is not one row for each of %d prompts".formatted(name, count));
    }
    return rows;
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
