package dev.s3llm.jcuda;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepBatch.BlockCopy;
import dev.s3llm.model.ModelFiles;
import dev.s3llm.testkit.HandDrivenSequence;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Every model family on the GPU against Hugging Face transformers, over the folders that {@code
 * families.py} of s3-model wrote. Each prompt is prefilled and then decoded along the reference's
 * greedy tokens. Prints, for each family and number type, the RMS of the logits' difference over
 * the RMS of the logits, beside that of transformers' own arithmetic of the type; the largest
 * difference; and how many tokens would be chosen otherwise, which must be where the reference's
 * margin is below twice the largest difference. Then all prompts run together, in chunks and with a
 * swap on the way, and each row must have the same bits as alone. Exits 1 if anything fails.
 */
final class FamilyParity {
  private static final double FP16_LIMIT = 2e-3;
  private static final double BF16_LIMIT = 2e-2;
  private static final int BLOCK = 16;
  private static final int CHUNK = 90;
  private static final int SWAP_AT = 9;
  private static boolean sound = true;

  private FamilyParity() {}

  /**
   * What transformers computed.
   *
   * @param prompts token ids
   * @param greedy the tokens that it chose after each prompt
   * @param context positions to read the model for; 0 for those it was made for
   */
  private record Reference(int[][] prompts, int[][] greedy, int context) {}

  public static void main(String[] args) throws IOException {
    System.out.println(
        "family            type  RMS error  of type itself  largest  otherwise chosen  bits");
    try (var folders = Files.list(Path.of(args[0]))) {
      for (Path folder : folders.sorted().toList()) {
        Reference reference =
            new ObjectMapper()
                .readValue(folder.resolve("reference.json").toFile(), Reference.class);
        for (Precision precision : Precision.values()) {
          try {
            compare(folder, reference, precision);
          } catch (RuntimeException e) {
            sound = false;
            System.out.printf("%-17s %-5s FAILED: %s%n", folder.getFileName(), precision, e);
          }
        }
      }
    }
    System.out.println(sound ? "all families agree" : "NOT ALL FAMILIES AGREE");
    System.exit(sound ? 0 : 1);
  }

  private static void compare(Path folder, Reference reference, Precision precision)
      throws IOException {
    var config = ModelFiles.open(folder, reference.context).config();
    try (JCudaExecutor gpu =
        JCudaExecutor.builder(config, () -> ModelFiles.open(folder, reference.context).tensors())
            .precision(precision)
            .kvBytes(256L << 20)
            .maxTokensPerStep(640)
            .maxSequencesPerStep(64)
            .build()) {
      float[][][] alone = alone(gpu, reference);
      String type = precision.type().suffix();
      float[] single = read(folder.resolve("steps-f32.bin"));
      double error = error(flat(alone), single);
      double theirs = error(read(folder.resolve("steps-" + type + ".bin")), single);
      double largest = largest(flat(alone), single);
      int[] others = otherwiseChosen(alone, reference, single, 2 * largest);
      int differing = differing(alone, together(gpu, reference));
      double limit = precision == Precision.FP16 ? FP16_LIMIT : BF16_LIMIT;
      boolean within = error <= limit && others[1] == 0 && differing == 0;
      sound &= within;
      System.out.printf(
          "%-17s %-5s %.2e   %.2e        %.2e  %d, %d beyond margin     %d differ%s%n",
          folder.getFileName(),
          type,
          error,
          theirs,
          largest,
          others[0],
          others[1],
          differing,
          within ? "" : "  FAILED");
    }
  }

  private static HandDrivenSequence sequence(int id, int[] prompt, int firstBlock, int steps) {
    int blocks = (prompt.length + steps) / BLOCK + 1;
    return new HandDrivenSequence(
        id,
        prompt,
        SamplingParameters.GREEDY,
        IntStream.range(firstBlock, firstBlock + blocks).toArray());
  }

  /** Returns the logits before each greedy token: {@code [prompt][step][vocabulary]}. */
  private static float[][][] alone(JCudaExecutor gpu, Reference reference) {
    float[][][] logits = new float[reference.prompts.length][][];
    for (int p = 0; p < logits.length; p++) {
      int[] greedy = reference.greedy[p];
      HandDrivenSequence sequence = sequence(p, reference.prompts[p], 0, greedy.length);
      logits[p] = new float[greedy.length][];
      for (int n = 0; n < greedy.length; n++) {
        logits[p][n] = gpu.logits(sequence.chunk(Integer.MAX_VALUE).alone());
        sequence.append(greedy[n]);
      }
    }
    return logits;
  }

  /** The same with all prompts at once, in chunks; blocks move through swap space on the way. */
  private static float[][][] together(JCudaExecutor gpu, Reference reference) {
    int count = reference.prompts.length;
    int steps = reference.greedy[0].length;
    List<HandDrivenSequence> all = new ArrayList<>();
    int next = 0;
    for (int p = 0; p < count; p++) {
      HandDrivenSequence sequence = sequence(p, reference.prompts[p], next, steps);
      next += sequence.blockCount();
      all.add(sequence);
    }
    int used = next;
    float[][][] logits = new float[count][steps][];
    int[] done = new int[count];
    for (int round = 0; Arrays.stream(done).min().orElse(steps) < steps; round++) {
      if (round == SWAP_AT) {
        swap(gpu, all, used);
      }
      List<SequenceStep> batch = new ArrayList<>();
      for (int p = 0; p < count; p++) {
        if (done[p] < steps) {
          batch.add(all.get(p).chunk(p % 2 == 0 ? CHUNK : CHUNK / 3));
        }
      }
      step(gpu, batch, reference, logits, done);
    }
    return logits;
  }

  private static void step(
      JCudaExecutor gpu,
      List<SequenceStep> batch,
      Reference reference,
      float[][][] logits,
      int[] done) {
    float[] rows = gpu.logits(new StepBatch(0, batch, List.of(), List.of()));
    int width = gpu.config().vocabularySize();
    int row = 0;
    for (SequenceStep step : batch) {
      if (step.samples()) {
        int p = (int) step.sequenceId();
        logits[p][done[p]] = Arrays.copyOfRange(rows, row * width, (row + 1) * width);
        row++;
        ((HandDrivenSequence) step).append(reference.greedy[p][done[p]++]);
      }
    }
  }

  private static void swap(JCudaExecutor gpu, List<HandDrivenSequence> all, int used) {
    List<BlockCopy> outs = new ArrayList<>();
    List<BlockCopy> ins = new ArrayList<>();
    for (HandDrivenSequence sequence : all) {
      int[] moved = new int[sequence.blockCount()];
      for (int b = 0; b < moved.length; b++) {
        int from = sequence.block(b);
        moved[b] = 2 * used - from; // other blocks, in falling order
        outs.add(new BlockCopy(sequence.sequenceId(), from, from));
        ins.add(new BlockCopy(sequence.sequenceId(), moved[b], from));
      }
      sequence.moveTo(moved);
    }
    gpu.execute(new StepBatch(0, List.of(), outs, List.of())).toCompletableFuture().join();
    gpu.execute(new StepBatch(0, List.of(), List.of(), ins)).toCompletableFuture().join();
  }

  /** Returns the tokens that differ from the reference's, and how many of these beyond a margin. */
  private static int[] otherwiseChosen(
      float[][][] logits, Reference reference, float[] single, double margin) {
    int[] others = new int[2];
    int at = 0;
    for (int p = 0; p < logits.length; p++) {
      for (int n = 0; n < logits[p].length; n++) {
        float[] row = logits[p][n];
        int actual = best(row);
        int expected = reference.greedy[p][n];
        if (actual != expected) {
          others[0]++;
          others[1] += single[at + expected] - single[at + actual] < margin ? 0 : 1;
        }
        at += row.length;
      }
    }
    return others;
  }

  private static int best(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }

  private static int differing(float[][][] alone, float[][][] together) {
    int differing = 0;
    for (int p = 0; p < alone.length; p++) {
      for (int n = 0; n < alone[p].length; n++) {
        differing += Arrays.equals(alone[p][n], together[p][n]) ? 0 : 1;
      }
    }
    return differing;
  }

  private static float[] flat(float[][][] logits) {
    int width = logits[0][0].length;
    float[] all = new float[logits.length * logits[0].length * width];
    int at = 0;
    for (float[][] prompt : logits) {
      for (float[] row : prompt) {
        System.arraycopy(row, 0, all, at, width);
        at += width;
      }
    }
    return all;
  }

  private static float[] read(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    float[] values = new float[bytes.length / Float.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
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

  private static double largest(float[] actual, float[] expected) {
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(actual[i] - expected[i]));
    }
    return largest;
  }
}
