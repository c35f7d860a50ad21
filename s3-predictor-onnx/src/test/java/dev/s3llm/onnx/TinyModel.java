package dev.s3llm.onnx;

import com.google.common.hash.Hashing;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * Writes model folders for tests; encodes protobuf itself. The model's vocabulary is {@code w0 ...
 * w9} for five classes: word {@code wN} speaks for class {@code N % 5}; the embedding is the sum of
 * the words' vectors. Tests change fields to damage the model.
 */
final class TinyModel {
  static final int CLASSES = 5;
  static final int[] EDGES = {4, 16, 64, 128, 256};
  private static final int WORDS = 11;
  private static final int FLOAT = 1;
  private static final int INT64 = 7;

  String idsName = "input_ids";
  int idsType = INT64;
  int idsRank = 2;
  String logitsName = "logits";
  String domain = "";
  String operator = "Gather";
  boolean externalData;

  /** The path of external data. */
  String location = "../../secret";

  boolean sparseExternal;
  float poison;

  /** The word whose vector is not finite; negative for none. */
  int poisonedWord = -1;

  /** Whether the embedding has as many values as the prompt has tokens. */
  boolean embeddingVaries;

  int columns = CLASSES;
  int maxInputTokens = 256;
  String edges = "[4,16,64,128,256]";
  String checksum = "";
  Consumer<Path> afterwards = folder -> {};

  /** Writes the folder and returns it. */
  Path write(Path folder) {
    try {
      Files.createDirectories(folder);
      byte[] model = onnx();
      byte[] tokenizer = tokenizer().getBytes(StandardCharsets.UTF_8);
      Files.write(folder.resolve(LengthModelFolder.MODEL), model);
      Files.write(folder.resolve(LengthModelFolder.TOKENIZER), tokenizer);
      Files.writeString(
          folder.resolve(LengthModelFolder.DESCRIPTION),
          """
          {"format": 1, "name": "tiny", "upper_edges": %s, "max_input_tokens": %d,
           "length_tokenizer": "none", "sha256": {"model.onnx": "%s", "tokenizer.json": "%s"}}
          """
              .formatted(
                  edges,
                  maxInputTokens,
                  checksum.isEmpty() ? Hashing.sha256().hashBytes(model).toString() : checksum,
                  Hashing.sha256().hashBytes(tokenizer)));
      afterwards.accept(folder);
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String tokenizer() {
    StringBuilder vocabulary = new StringBuilder("\"[UNK]\": 0");
    for (int i = 0; i < 10; i++) {
      vocabulary.append(", \"w").append(i).append("\": ").append(i + 1);
    }
    return """
    {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
     "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null,
     "decoder": null,
     "model": {"type": "WordLevel", "vocab": {%s}, "unk_token": "[UNK]"}}
    """
        .formatted(vocabulary);
  }

  byte[] onnx() {
    Message graph = new Message();
    graph.message(1, node(operator, domain, "vectors", "table", idsName));
    String mask = embeddingVaries ? "embedding" : "mask";
    String sum = embeddingVaries ? "sum" : "embedding";
    graph.message(1, node("Cast", "", mask, "attention_mask").message(5, intAttribute("to", 1)));
    graph.message(1, node("Unsqueeze", "", "weights", mask, "axis2"));
    graph.message(1, node("Mul", "", "weighted", "vectors", "weights"));
    graph.message(
        1, node("ReduceSum", "", sum, "weighted", "axis1").message(5, intAttribute("keepdims", 0)));
    graph.message(1, node("MatMul", "", logitsName, sum, "head"));
    graph.text(2, "tiny");
    graph.message(5, floats("table", WORDS, CLASSES, (i, j) -> i > 0 && (i - 1) % CLASSES == j));
    graph.message(5, floats("head", CLASSES, columns, (i, j) -> i == j));
    graph.message(5, axis("axis1", 1));
    graph.message(5, axis("axis2", 2));
    if (sparseExternal) {
      graph.message(15, new Message().message(1, new Message().text(8, "s").number(14, 1)));
    }
    graph.message(11, value(idsName, idsType, idsRank));
    graph.message(11, value("attention_mask", INT64, 2));
    graph.message(12, value(logitsName, FLOAT, 2));
    graph.message(12, value("embedding", FLOAT, 2));
    Message model = new Message().number(1, 8).message(7, graph);
    model.message(8, new Message().text(1, "").number(2, 13));
    if (!domain.isEmpty()) {
      model.message(8, new Message().text(1, domain).number(2, 1));
    }
    return model.bytes();
  }

  static Message node(String operator, String domain, String output, String... inputs) {
    Message node = new Message();
    for (String input : inputs) {
      node.text(1, input);
    }
    return node.text(2, output).text(4, operator).text(7, domain);
  }

  static Message intAttribute(String name, long value) {
    return new Message().text(1, name).number(3, value).number(20, 2);
  }

  private Message floats(String name, int rows, int columns, Pattern ones) {
    ByteBuffer raw = ByteBuffer.allocate(4 * rows * columns).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        float value = ones.at(i, j) ? (name.equals("table") ? 3 : 1) : 0;
        if (name.equals("table") && i == poisonedWord + 1 && poisonedWord >= 0) {
          value = Float.NaN;
        }
        raw.putFloat(name.equals("head") && i == 0 && j == 0 && poison != 0 ? poison : value);
      }
    }
    Message tensor = new Message().number(1, rows).number(1, columns).number(2, FLOAT);
    tensor.text(8, name);
    if (externalData && name.equals("table")) {
      tensor.message(13, new Message().text(1, "location").text(2, location)).number(14, 1);
    } else {
      tensor.raw(9, raw.array());
    }
    return tensor;
  }

  private static Message axis(String name, long axis) {
    return new Message()
        .number(1, 1)
        .number(2, INT64)
        .text(8, name)
        .raw(9, ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(axis).array());
  }

  static Message value(String name, int type, int rank) {
    Message shape = new Message();
    for (int i = 0; i < rank; i++) {
      shape.message(1, new Message().text(2, name + i));
    }
    Message tensor = new Message().number(1, type).message(2, shape);
    return new Message().text(1, name).message(2, new Message().message(1, tensor));
  }

  private interface Pattern {
    boolean at(int row, int column);
  }

  /** A protobuf message that grows. */
  static final class Message {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Message number(int field, long value) {
      varint((long) field << 3);
      varint(value);
      return this;
    }

    Message text(int field, String text) {
      return raw(field, text.getBytes(StandardCharsets.UTF_8));
    }

    Message message(int field, Message message) {
      return raw(field, message.bytes());
    }

    Message raw(int field, byte[] bytes) {
      varint((long) field << 3 | 2);
      varint(bytes.length);
      out.writeBytes(bytes);
      return this;
    }

    byte[] bytes() {
      return out.toByteArray();
    }

    private void varint(long value) {
      long rest = value;
      while ((rest & ~0x7FL) != 0) {
        out.write((int) (rest & 0x7F | 0x80));
        rest >>>= 7;
      }
      out.write((int) rest);
    }
  }
}
