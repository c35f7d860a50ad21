package dev.s3llm.cpu;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.model.speech.CanvasPass;
import dev.s3llm.model.speech.Recording;
import dev.s3llm.model.speech.SpeechInput;
import java.util.Arrays;
import java.util.List;

/**
 * Wall time of the speech model: the encoder over a recording of a length, one pass over a canvas,
 * and left to right with its cache. Run its main; arguments: number of threads, then seconds of
 * audio and canvas positions, such as {@code 2 50x1024}. The recording repeats the middle fixture.
 */
final class SpeechThroughput {
  private static final int ROUNDS = 9;

  private final CpuSpeechDevice device;

  private SpeechThroughput(CpuSpeechDevice device) {
    this.device = device;
  }

  public static void main(String[] args) {
    int threads = Integer.parseInt(args[0]);
    try (CpuSpeechDevice device = SpeechFixtures.device(SpeechFixtures.weights(), threads, 64)) {
      SpeechThroughput throughput = new SpeechThroughput(device);
      for (int i = 1; i < args.length; i++) {
        String[] sizes = args[i].split("x", 2);
        throughput.run(Double.parseDouble(sizes[0]), Integer.parseInt(sizes[1]));
      }
    }
  }

  private void run(double seconds, int positions) {
    SpeechInput input = recording((int) (seconds * 100));
    SequenceStep sequence = SpeechFixtures.sequence(1, input, 0, 128);
    int[] ids = new int[positions];
    Arrays.fill(ids, SpeechFixtures.CONFIG.maskId());
    double encode = millis(() -> device.encode(List.of(new Recording(sequence, input))));
    double pass = millis(() -> device.decode(List.of(new CanvasPass(sequence, ids, 0, false))));
    double leftToRight =
        millis(
            () -> {
              for (int p = 0; p < positions; p++) {
                int[] one = {SpeechFixtures.CONFIG.endId()};
                device.decode(List.of(new CanvasPass(sequence, one, p, true)));
              }
            });
    System.out.printf(
        "%.1f s, %d frames: encoder %.1f ms, pass over %d positions %.1f ms, left to right %.1f ms%n",
        seconds, input.slots(), encode, positions, pass, leftToRight);
  }

  private static SpeechInput recording(int frames) {
    float[] part = SpeechFixtures.features("middle");
    float[] all = new float[frames * SpeechFixtures.CONFIG.melBands()];
    for (int i = 0; i < all.length; i++) {
      all[i] = part[i % part.length];
    }
    return SpeechFixtures.input(all, frames);
  }

  /** Returns the median of some rounds after as many without a measurement. */
  private static double millis(Runnable run) {
    double[] times = new double[2 * ROUNDS];
    for (int i = 0; i < times.length; i++) {
      long start = System.nanoTime();
      run.run();
      times[i] = (System.nanoTime() - start) / 1e6;
    }
    double[] measured = Arrays.copyOfRange(times, ROUNDS, times.length);
    Arrays.sort(measured);
    return measured[ROUNDS / 2];
  }
}
