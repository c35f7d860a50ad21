package dev.s3llm.onnx;

import com.google.common.hash.Hashing;
import dev.s3llm.onnx.TinyModel.Message;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes folders of heads for tests. A hidden state has three values, one for each bucket of what
 * is left: the bucket with the largest value is the likeliest. Tests change fields to damage it.
 */
final class TinyHead {
  static final int WIDTH = 3;
  static final int[] EDGES = {8, 64, 512};
  private static final int FLOAT = 1;

  String hiddenName = "hidden";
  String edges = "[8,64,512]";
  String checksum = "";
  String modelSha256 = "";
  int width = WIDTH;
  int columns = WIDTH;

  /** Writes the folder and returns it. */
  Path write(Path folder) {
    try {
      Files.createDirectories(folder);
      byte[] model = onnx();
      String sum = Hashing.sha256().hashBytes(model).toString();
      Files.write(folder.resolve(HeadFolder.MODEL), model);
      Files.writeString(
          folder.resolve(HeadFolder.DESCRIPTION),
          """
          {"format": 1, "name": "tiny", "layer": 2, "width": %d, "every_tokens": 4,
           "upper_edges": %s, "model_sha256": "%s", "sha256": "%s"}
          """
              .formatted(width, edges, modelSha256, checksum.isEmpty() ? sum : checksum));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private byte[] onnx() {
    Message concat = TinyModel.node("Concat", "", "both", hiddenName, "generated");
    Message graph = new Message().message(1, concat.message(5, TinyModel.intAttribute("axis", 1)));
    graph.message(1, TinyModel.node("MatMul", "", "logits", "both", "weights"));
    graph.text(2, "tiny");
    graph.message(5, weights());
    graph.message(11, TinyModel.value(hiddenName, FLOAT, 2));
    graph.message(11, TinyModel.value("generated", FLOAT, 2));
    graph.message(12, TinyModel.value("logits", FLOAT, 2));
    Message model = new Message().number(1, 8).message(7, graph);
    return model.message(8, new Message().text(1, "").number(2, 13)).bytes();
  }

  /** Each value is a logit; the number of tokens has no weight. */
  private Message weights() {
    ByteBuffer raw = ByteBuffer.allocate(4 * (WIDTH + 1) * columns).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i <= WIDTH; i++) {
      for (int j = 0; j < columns; j++) {
        raw.putFloat(i == j ? 1 : 0);
      }
    }
    return new Message()
        .number(1, WIDTH + 1)
        .number(1, columns)
        .number(2, FLOAT)
        .text(8, "weights")
        .raw(9, raw.array());
  }
}
