package dev.s3llm.onnx;

import java.util.Arrays;
import java.util.Set;

/**
 * Checks an ONNX file before the runtime loads it. Refuses tensors in other files, which the
 * runtime would read through paths; operators that may run without end, because the runtime cannot
 * be interrupted; operators of foreign domains; graphs nested so deep that a stack overflows; and
 * what this class does not read and where such parts could hide: functions, training graphs, and
 * the runtime's own file format. Field numbers are those of onnx.proto3.
 */
final class OnnxFileCheck {
  private static final Set<String> DOMAINS = Set.of("", "ai.onnx", "ai.onnx.ml", "com.microsoft");

  /** Operators that can run without end, or nearly; a text encoder has none. */
  private static final Set<String> REPEATING =
      Set.of("Loop", "Scan", "BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch");

  private static final int MAX_DEPTH = 16;

  /** The position of the magic number in a file of the runtime's own format. */
  private static final int MAGIC_START = 4;

  private static final byte[] MAGIC = {'O', 'R', 'T', 'M'};

  private static final int MODEL_GRAPH = 7;
  private static final int MODEL_OPSET_IMPORT = 8;
  private static final int MODEL_TRAINING = 20;
  private static final int MODEL_FUNCTIONS = 25;
  private static final int OPSET_DOMAIN = 1;
  private static final int GRAPH_NODE = 1;
  private static final int GRAPH_INITIALIZER = 5;
  private static final int GRAPH_SPARSE_INITIALIZER = 15;
  private static final int NODE_OPERATOR = 4;
  private static final int NODE_ATTRIBUTE = 5;
  private static final int NODE_DOMAIN = 7;
  private static final int ATTRIBUTE_TENSOR = 5;
  private static final int ATTRIBUTE_GRAPH = 6;
  private static final int ATTRIBUTE_TENSORS = 10;
  private static final int ATTRIBUTE_GRAPHS = 11;
  private static final int ATTRIBUTE_SPARSE_TENSOR = 22;
  private static final int ATTRIBUTE_SPARSE_TENSORS = 23;
  private static final int TENSOR_NAME = 8;
  private static final int TENSOR_EXTERNAL_DATA = 13;
  private static final int TENSOR_DATA_LOCATION = 14;
  private static final int SPARSE_VALUES = 1;
  private static final int SPARSE_INDICES = 2;

  private OnnxFileCheck() {}

  /**
   * Checks a file.
   *
   * @param model the content of the file
   * @throws LengthModelException if the file is refused, naming the reason
   */
  static void requireSelfContained(byte[] model) {
    int magicEnd = MAGIC_START + MAGIC.length;
    if (model.length >= magicEnd
        && Arrays.equals(model, MAGIC_START, magicEnd, MAGIC, 0, MAGIC.length)) {
      throw new LengthModelException("not an ONNX model, but one in ONNX Runtime's own format");
    }
    boolean graphSeen = false;
    for (ProtobufReader reader = new ProtobufReader(model); reader.next(); ) {
      switch (reader.field()) {
        case MODEL_GRAPH -> {
          graphSeen = true;
          checkGraph(reader.message(), 0);
        }
        case MODEL_OPSET_IMPORT -> checkOpset(reader.message());
        case MODEL_FUNCTIONS, MODEL_TRAINING ->
            throw new LengthModelException(
                "functions of its own and training graphs are refused in a length model");
        default -> {}
      }
    }
    if (!graphSeen) {
      throw new LengthModelException("not an ONNX model: it has no graph");
    }
  }

  private static void checkOpset(ProtobufReader opset) {
    while (opset.next()) {
      if (opset.field() == OPSET_DOMAIN) {
        requireKnown(opset.text(), "opset import");
      }
    }
  }

  private static void checkGraph(ProtobufReader graph, int depth) {
    if (depth > MAX_DEPTH) {
      throw new LengthModelException("graphs are nested more than " + MAX_DEPTH + " deep");
    }
    while (graph.next()) {
      switch (graph.field()) {
        case GRAPH_NODE -> checkNode(graph.message(), depth);
        case GRAPH_INITIALIZER -> checkTensor(graph.message());
        case GRAPH_SPARSE_INITIALIZER -> checkSparse(graph.message());
        default -> {}
      }
    }
  }

  private static void checkNode(ProtobufReader node, int depth) {
    String domain = "";
    String operator = "";
    while (node.next()) {
      switch (node.field()) {
        case NODE_OPERATOR -> operator = node.text();
        case NODE_DOMAIN -> domain = node.text();
        case NODE_ATTRIBUTE -> checkAttribute(node.message(), depth);
        default -> {}
      }
    }
    requireKnown(domain, "operator " + operator);
    if (REPEATING.contains(operator)) {
      throw new LengthModelException("operator " + operator + " may run without end");
    }
  }

  private static void checkAttribute(ProtobufReader attribute, int depth) {
    while (attribute.next()) {
      switch (attribute.field()) {
        case ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS -> checkTensor(attribute.message());
        case ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS -> checkGraph(attribute.message(), depth + 1);
        case ATTRIBUTE_SPARSE_TENSOR, ATTRIBUTE_SPARSE_TENSORS -> checkSparse(attribute.message());
        default -> {}
      }
    }
  }

  private static void checkSparse(ProtobufReader sparse) {
    while (sparse.next()) {
      if (sparse.field() == SPARSE_VALUES || sparse.field() == SPARSE_INDICES) {
        checkTensor(sparse.message());
      }
    }
  }

  private static void checkTensor(ProtobufReader tensor) {
    String name = "";
    boolean external = false;
    while (tensor.next()) {
      switch (tensor.field()) {
        case TENSOR_NAME -> name = tensor.text();
        case TENSOR_EXTERNAL_DATA -> external = true;
        case TENSOR_DATA_LOCATION -> external |= tensor.varint() != 0;
        default -> {}
      }
    }
    if (external) {
      throw new LengthModelException(
          "tensor '" + name + "' keeps its data in another file, which is refused");
    }
  }

  private static void requireKnown(String domain, String where) {
    if (!DOMAINS.contains(domain)) {
      throw new LengthModelException(
          "%s is of the domain '%s'; only %s are allowed".formatted(where, domain, DOMAINS));
    }
  }
}
