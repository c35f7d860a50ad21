package dev.s3llm.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Model folders that must be refused, and the messages. */
class HostileModelTest {
  @TempDir Path folder;

  @Test
  void externalData_isRefused() {
    refused(m -> m.externalData = true, "table", "another file");
    refused(m -> m.sparseExternal = true, "another file");
  }

  /** The name alone is refused: no link is followed, and no file is opened. */
  @Test
  void externalData_isRefusedWhereverItIs() throws IOException {
    Path secret = Files.writeString(folder.resolve("secret"), "not for you");
    Path soft = Files.createSymbolicLink(folder.resolve("soft"), secret);
    Path hard = Files.createLink(folder.resolve("hard"), secret);
    for (String at :
        new String[] {"/etc/passwd", "weights.bin", "", soft.toString(), hard.toString()}) {
      refused(
          m -> {
            m.externalData = true;
            m.location = at;
          },
          "table",
          "another file");
    }
  }

  @Test
  void sparseConstantWithExternalData_isRefused() {
    TinyModel.Message values = new TinyModel.Message().text(8, "s").number(14, 1);
    TinyModel.Message attribute =
        new TinyModel.Message().message(22, new TinyModel.Message().message(1, values));
    TinyModel.Message node = new TinyModel.Message().text(4, "Constant").message(5, attribute);
    TinyModel.Message graph = new TinyModel.Message().message(1, node);
    refuses(new TinyModel.Message().message(7, graph).bytes(), "another file");
  }

  @Test
  void filesOverTheirLimits_areRefusedUnread() {
    refused(m -> m.afterwards = sparse("model.onnx", (512L << 20) + 1), "model.onnx", "536870913");
    refused(m -> m.afterwards = sparse("model.onnx", 3L << 30), "model.onnx", "3221225472");
    refused(m -> m.afterwards = sparse("tokenizer.json", (64L << 20) + 1), "tokenizer.json");
    refused(m -> m.afterwards = sparse("length-model.json", (1 << 20) + 1), "length-model.json");
  }

  @Test
  void customOperators_areRefused() {
    refused(m -> m.domain = "evil.ops", "evil.ops");
  }

  @Test
  void operatorsThatMayNeverEnd_areRefused() {
    for (String operator : new String[] {"Loop", "Scan", "GreedySearch"}) {
      refused(m -> m.operator = operator, operator, "without end");
    }
  }

  /** A loop needs a graph of its own, which is checked as the model's graph is. */
  @Test
  void loopsWithExternalData_areRefused() {
    TinyModel.Message tensor = new TinyModel.Message().text(8, "inner").number(14, 1);
    TinyModel.Message body = new TinyModel.Message().message(5, tensor);
    TinyModel.Message attribute = new TinyModel.Message().message(6, body);
    TinyModel.Message node = new TinyModel.Message().text(4, "Loop").message(5, attribute);
    TinyModel.Message graph = new TinyModel.Message().message(1, node);
    refuses(new TinyModel.Message().message(7, graph).bytes(), "inner");
  }

  @Test
  void runtimesOwnFormat_isRefusedEvenInsideAnOnnxFile() {
    byte[] disguise = new TinyModel.Message().text(2, "xxORTM").bytes();
    refuses(join(disguise, new TinyModel().onnx()), "own format");
  }

  @Test
  void trainingGraphsAndFunctions_areRefused() {
    for (int field : new int[] {20, 25}) {
      byte[] extra = new TinyModel.Message().message(field, new TinyModel.Message()).bytes();
      refuses(join(new TinyModel().onnx(), extra), "functions");
    }
  }

  @Test
  void fieldNumbersThatOthersCutOff_areRefused() {
    byte[] hidden = {(byte) 0x9A, (byte) 0x80, (byte) 0x80, (byte) 0x80, 0x10, 0};
    refuses(join(new TinyModel().onnx(), hidden), "29 bits"); // 25, and a bit beyond the 32nd
  }

  @Test
  void unknownOperator_isRefused() {
    refused(m -> m.operator = "Gathr", "ONNX Runtime refuses");
  }

  @Test
  void wrongSignatures_areRefusedByName() {
    refused(m -> m.idsName = "ids", "'input_ids'", "ids");
    refused(m -> m.idsType = 6, "'input_ids'", "INT64");
    refused(m -> m.idsRank = 3, "'input_ids'", "matrix");
    refused(m -> m.logitsName = "scores", "'logits'");
  }

  @Test
  void wrongClassCount_isRefusedWithBothNumbers() {
    refused(m -> m.columns = 7, "7", "5");
    refused(m -> m.edges = "[4,16,64]", "5", "3");
  }

  @Test
  void badDescriptions_areRefusedByField() {
    refused(m -> m.edges = "[]", "upper_edges");
    refused(m -> m.edges = "[4,4,5,6,7]", "ascend");
    refused(m -> m.edges = "[0,4,5,6,7]", "ascend");
    refused(m -> m.edges = "[1,2,3,4,99999999999]", "upper_edges[4]");
    refused(m -> m.edges = "[1,2,3,4,5.5]", "upper_edges[4]");
    refused(m -> m.maxInputTokens = 3, "max_input_tokens", "3");
    refused(m -> m.maxInputTokens = 1 << 20, "max_input_tokens");
    refused(m -> m.checksum = "00", "SHA-256", "model.onnx");
    refused(m -> m.afterwards = text("length-model.json", "[1]"), "JSON object");
    refused(m -> m.afterwards = text("length-model.json", "{"), "not valid JSON");
    refused(m -> m.afterwards = text("length-model.json", ""), "0 bytes");
    refused(
        m -> m.afterwards = text("length-model.json", "{\"format\": 2}"), "format", "from 1 to 1");
  }

  @Test
  void missingAndChangedFiles_areRefusedByName() {
    for (String name : new String[] {"model.onnx", "tokenizer.json", "length-model.json"}) {
      refused(m -> m.afterwards = deleting(name), name, "missing");
    }
    refused(m -> m.afterwards = text("tokenizer.json", "{}"), "tokenizer.json", "SHA-256");
    refused(m -> m.afterwards = text("model.onnx", ""), "model.onnx", "0 bytes");
  }

  @Test
  void damagedGraphs_areRefusedOrFailInTheRuntimeOnly() {
    byte[] good = new TinyModel().onnx();
    OnnxFileCheck.requireSelfContained(good);
    for (int length = 0; length < good.length; length += 3) {
      try {
        OnnxFileCheck.requireSelfContained(Arrays.copyOf(good, length));
      } catch (LengthModelException e) {
        assertThat(e).hasMessageMatching("not (a protobuf message|an ONNX model).*");
      }
    }
    Random random = new Random(1);
    for (int i = 0; i < 5_000; i++) {
      byte[] damaged = good.clone();
      damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      try {
        OnnxFileCheck.requireSelfContained(damaged);
      } catch (LengthModelException e) {
        assertThat(e.getMessage()).isNotBlank();
      }
    }
  }

  @Test
  void graphsNestedWithoutEnd_areRefused() {
    TinyModel.Message graph = new TinyModel.Message();
    for (int i = 0; i < 100; i++) {
      TinyModel.Message attribute = new TinyModel.Message().message(6, graph);
      graph = new TinyModel.Message().message(1, new TinyModel.Message().message(5, attribute));
    }
    byte[] model = new TinyModel.Message().message(7, graph).bytes();
    refuses(model, "nested");
  }

  private static byte[] join(byte[] first, byte[] second) {
    byte[] joined = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, joined, first.length, second.length);
    return joined;
  }

  private static void refuses(byte[] model, String because) {
    assertThatExceptionOfType(LengthModelException.class)
        .isThrownBy(() -> OnnxFileCheck.requireSelfContained(model))
        .withMessageContaining(because);
  }

  private void refused(Consumer<TinyModel> spoil, String... because) {
    TinyModel model = new TinyModel();
    spoil.accept(model);
    Path path = model.write(folder.resolve("m" + System.nanoTime()));
    assertThatExceptionOfType(LengthModelException.class)
        .isThrownBy(() -> LengthModel.load(path, 1))
        .satisfies(e -> assertThat(e.getMessage()).contains(because));
  }

  private static Consumer<Path> text(String name, String content) {
    return folder -> {
      try {
        Files.writeString(folder.resolve(name), content);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    };
  }

  private static Consumer<Path> sparse(String name, long bytes) {
    return folder -> {
      try (RandomAccessFile file = new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
        file.setLength(bytes);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    };
  }

  private static Consumer<Path> deleting(String name) {
    return folder -> {
      try {
        Files.delete(folder.resolve(name));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    };
  }
}
