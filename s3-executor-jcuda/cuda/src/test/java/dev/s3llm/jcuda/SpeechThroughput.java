package dev.s3llm.jcuda;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.jcuda.internal.speech.SpeechModels;
import dev.s3llm.model.speech.CanvasPass;
import dev.s3llm.model.speech.Recording;
import dev.s3llm.model.speech.SpeechDevice;
import dev.s3llm.model.speech.SpeechInput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Wall time of the speech model on GPU 0 without an engine: the encoder over recordings of a
 * length, one pass over their canvases, and a step of left to right with its cache. Run its main;
 * arguments: seconds of audio, canvas positions, characters and recordings in a batch, such as
 * {@code 2.7x32x20x1 50x512x300x1}.
 */
final class SpeechThroughput {
  private static final int ROUNDS = 30;
  private static final int MASK = 2;
  private static final int END = 1;

  private SpeechThroughput() {}

  public static void main(String[] args) {
    System.out.println(
        "seconds canvas characters batch | encoder ms, pass ms, left-to-right step ms |"
            + " 3 passes ms, left to right ms, ratio");
    try (SpeechDevice device = SpeechFixtures.gpu()) {
      for (String arg : args) {
        String[] sizes = arg.split("x", 4);
        run(
            device,
            Double.parseDouble(sizes[0]),
            Integer.parseInt(sizes[1]),
            Integer.parseInt(sizes[2]),
            Integer.parseInt(sizes[3]));
      }
    }
  }

  private static void run(
      SpeechDevice device, double seconds, int canvas, int characters, int batch) {
    SpeechInput input = SpeechModels.input(features((int) (seconds * 100)));
    int blocks = (input.slots() + canvas) / 16 + 1;
    List<Recording> recordings = new ArrayList<>();
    List<CanvasPass> passes = new ArrayList<>();
    for (int i = 0; i < batch; i++) {
      SequenceStep sequence = SpeechModels.sequence(i, input, i * blocks, blocks);
      recordings.add(new Recording(sequence, input));
      int[] masks = new int[canvas];
      Arrays.fill(masks, MASK);
      passes.add(new CanvasPass(sequence, masks, 0, false));
    }
    double encode = millis(() -> device.encode(recordings));
    double pass = millis(() -> device.decode(passes));
    double leftToRight =
        millis(
            () -> {
              for (int p = 0; p < characters; p++) {
                device.decode(steps(recordings, p));
              }
            });
    System.out.printf(
        "%.1f %d %d %d | %.3f %.3f %.3f | %.3f %.3f %.1f%n",
        seconds,
        canvas,
        characters,
        batch,
        encode,
        pass,
        leftToRight / characters,
        encode + 3 * pass,
        encode + leftToRight,
        (encode + leftToRight) / (encode + 3 * pass));
  }

  private static List<CanvasPass> steps(List<Recording> recordings, int position) {
    int[] one = {END};
    return recordings.stream().map(r -> new CanvasPass(r.sequence(), one, position, true)).toList();
  }

  private static float[] features(int frames) {
    float[] part = SpeechFixtures.features("middle");
    float[] all = new float[frames * 64];
    for (int i = 0; i < all.length; i++) {
      all[i] = part[i % part.length];
    }
    return all;
  }

  /** Returns the median of some rounds after two others. */
  private static double millis(Runnable work) {
    work.run();
    work.run();
    double[] millis = new double[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
      long start = System.nanoTime();
      work.run();
      millis[i] = (System.nanoTime() - start) / 1e6;
    }
    Arrays.sort(millis);
    return millis[ROUNDS / 2];
  }
}
