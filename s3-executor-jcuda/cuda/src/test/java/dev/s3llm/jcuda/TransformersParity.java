package dev.s3llm.jcuda;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.cpu.CpuLogits;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.testkit.HandDrivenSequence;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Logits against Hugging Face transformers on the same GPU, over the folders that {@code
 * src/test/gpu/parity.py} wrote. Prints the worst relative error of each model and type, and beside
 * it what transformers' own arithmetic of that type is away from its fp32. Exits 1 if an error
 * exceeds the limit and, where the type itself rounds as coarsely as that, transformers' own by a
 * quarter.
 */
final class TransformersParity {
  private static final double HALF_LIMIT = 1e-2;
  private static final double SINGLE_LIMIT = 1e-3;
  private static final double OF_THEIRS = 1.25;
  private static final String SINGLE = "f32";
  private static boolean sound = true;

  private TransformersParity() {}

  public static void main(String[] args) throws IOException {
    System.out.println(
        "worst relative error   ours against its fp32   against its own type   its own, of fp32");
    try (var folders = Files.list(Path.of(args[0]))) {
      for (Path folder : folders.sorted().toList()) {
        int[][] prompts =
            new ObjectMapper().readValue(folder.resolve("prompts.json").toFile(), int[][].class);
        try (CpuExecutor host = CpuExecutor.builder(folder).maxTokensPerStep(512).build()) {
          compare(
              folder,
              prompts,
              "host fp32",
              batch -> CpuLogits.of(host, batch),
              SINGLE,
              SINGLE_LIMIT);
        }
        for (Precision precision : Precision.values()) {
          try (JCudaExecutor gpu =
              JCudaExecutor.builder(folder).precision(precision).kvBytes(64L << 20).build()) {
            String type = precision.type().suffix();
            compare(folder, prompts, "GPU " + precision, gpu::logits, type, HALF_LIMIT);
          }
        }
      }
    }
    System.exit(sound ? 0 : 1);
  }

  private static void compare(
      Path folder,
      int[][] prompts,
      String name,
      Function<StepBatch, float[]> logits,
      String type,
      double limit)
      throws IOException {
    double ofSingle = 0;
    double ofType = 0;
    double theirs = 0;
    for (int p = 0; p < prompts.length; p++) {
      int[] blocks = IntStream.range(0, prompts[p].length / 16 + 1).toArray();
      HandDrivenSequence sequence =
          new HandDrivenSequence(p, prompts[p], SamplingParameters.GREEDY, blocks);
      float[] actual = logits.apply(sequence.chunk(Integer.MAX_VALUE).alone());
      float[] single = expected(folder, SINGLE, p, actual.length);
      float[] typed = expected(folder, type, p, actual.length);
      ofSingle = Math.max(ofSingle, error(actual, single));
      ofType = Math.max(ofType, error(actual, typed));
      theirs = Math.max(theirs, error(typed, single));
    }
    boolean within = ofSingle < Math.max(limit, OF_THEIRS * theirs);
    sound &= within;
    System.out.printf(
        "%-17s %-10s %.2e   %.2e   %.2e%s%n",
        folder.getFileName(), name, ofSingle, ofType, theirs, within ? "" : "  TOO LARGE");
  }

  private static float[] expected(Path folder, String type, int prompt, int vocabulary)
      throws IOException {
    byte[] bytes = Files.readAllBytes(folder.resolve("logits-" + type + ".bin"));
    float[] row = new float[vocabulary];
    ByteBuffer.wrap(bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .position(prompt * vocabulary)
        .get(row);
    return row;
  }

  /** Root mean square of the difference over that of the reference. */
  static double error(float[] actual, float[] expected) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      size += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / size);
  }
}
