package dev.s3llm.onnx;

import dev.s3llm.predict.LengthQuery;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Measures a length model: latency by prompt length, alone and 32 at a time, and the process's
 * memory over many predictions. Arguments: the model folder, and how many predictions (100,000).
 */
final class LatencyStudy {
  private LatencyStudy() {}

  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    int predictions = args.length > 1 ? Integer.parseInt(args[1]) : 100_000;
    for (int threads : new int[] {1, 2}) {
      try (OnnxLengthPredictor predictor =
          OnnxLengthPredictor.builder(folder).threads(threads).cacheEntries(0).build()) {
        for (int words : new int[] {30, 126, 254}) { // and two special tokens
          latency(predictor, words, threads);
        }
      }
    }
    try (OnnxLengthPredictor predictor = OnnxLengthPredictor.builder(folder).threads(2).build()) {
      memory(predictor, predictions);
    }
  }

  private static void latency(OnnxLengthPredictor predictor, int words, int threads) {
    String prompt = "the ".repeat(words);
    double[] alone = new double[300];
    double[] together = new double[20];
    for (int round = 0; round < 2; round++) { // the first warms up
      for (int i = 0; i < alone.length; i++) {
        long start = System.nanoTime();
        ask(predictor, prompt).join();
        alone[i] = (System.nanoTime() - start) / 1e6;
      }
      for (int i = 0; i < together.length; i++) {
        long start = System.nanoTime();
        List<CompletableFuture<?>> answers = new ArrayList<>();
        for (int j = 0; j < 32; j++) {
          answers.add(ask(predictor, prompt));
        }
        answers.forEach(CompletableFuture::join);
        together[i] = (System.nanoTime() - start) / 1e6 / 32;
      }
    }
    Arrays.sort(alone);
    Arrays.sort(together);
    System.out.printf(
        "%d tokens, %d threads: p50 %.2f ms, p99 %.2f ms; 32 at once: %.2f ms a prompt%n",
        words + 2, threads, alone[150], alone[297], together[10]);
  }

  private static CompletableFuture<?> ask(OnnxLengthPredictor predictor, String prompt) {
    return predictor.predict(new LengthQuery(1, prompt, null, 0, 256)).toCompletableFuture();
  }

  private static void memory(OnnxLengthPredictor predictor, int predictions) throws Exception {
    for (int i = 0; i <= predictions; i++) {
      ask(predictor, "number " + i + " of many").join();
      if (i % (predictions / 10) == 0) {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        long heap = (runtime.totalMemory() - runtime.freeMemory()) >> 20;
        System.out.printf("%,d predictions: heap %d MiB, process %s%n", i, heap, resident());
      }
    }
  }

  private static String resident() throws Exception {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return "unknown";
    }
    return Files.readAllLines(status).stream()
        .filter(line -> line.startsWith("VmRSS"))
        .map(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024 + " MiB")
        .findFirst()
        .orElse("unknown");
  }
}
