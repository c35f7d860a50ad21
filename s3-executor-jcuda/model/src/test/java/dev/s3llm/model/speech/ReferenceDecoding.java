package dev.s3llm.model.speech;

import static java.util.Comparator.comparing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.IntStream;

/**
 * The strategies once more, as short as possible: lists, sorting, and whole passes. A text has at
 * most {@code limit} ids, the end included.
 */
final class ReferenceDecoding {
  private final SpeechConfig config;
  private final CtcText ctc;
  private final BiFunction<int[], Boolean, float[]> model;
  private final int limit;
  int passes;
  int doublings;
  int size;

  /** Creates a decoding; the model gives the logits for ids, masked or causal. */
  ReferenceDecoding(
      SpeechConfig config, CtcText ctc, int limit, BiFunction<int[], Boolean, float[]> model) {
    this.config = config;
    this.ctc = ctc;
    this.limit = limit;
    this.model = model;
  }

  /** Returns the answer: the text and the end, cut at the limit. */
  int[] answer(Decoding.Strategy strategy, int k) {
    List<Integer> text =
        ctc.ids().length == 0
            ? List.of()
            : switch (strategy) {
              case CTC -> boxed(ctc.ids());
              case LEFT_TO_RIGHT -> leftToRight();
              case MASK_CTC -> maskCtc(k);
              case MASK_PREDICT -> maskPredict(k);
              case EASY_FIRST -> easyFirst(k, false);
              case LEFTMOST -> easyFirst(Integer.MAX_VALUE, true);
            };
    List<Integer> answer = new ArrayList<>(text);
    answer.add(config.endId());
    return answer.stream().limit(limit).mapToInt(i -> i).toArray();
  }

  private List<Integer> leftToRight() {
    List<Integer> ids = new ArrayList<>(List.of(config.endId()));
    while (ids.size() <= limit) {
      float[][] rows = rows(ids, false);
      float[] last = rows[rows.length - 1];
      int best = config.endId();
      for (int id = config.firstCharacterId(); id < last.length; id++) {
        best = last[id] > last[best] ? id : best;
      }
      if (best == config.endId()) {
        break;
      }
      ids.add(best);
    }
    return ids.subList(1, ids.size());
  }

  private List<Integer> easyFirst(int k, boolean leftmost) {
    float[][] logits = firstPass();
    int n = length(logits);
    return fill(masks(n), (int) Math.ceil((double) n / k), logits, leftmost);
  }

  private List<Integer> maskCtc(int k) {
    int n = Math.min(limit, ctc.ids().length);
    size = Math.min(limit, rung(ctc.ids().length));
    List<Integer> text = masks(n);
    for (int p = 0; p < n; p++) {
      if (!(ctc.confidences()[p] < 0.9)) {
        text.set(p, ctc.ids()[p]);
      }
    }
    int masked = Collections.frequency(text, config.maskId());
    return fill(text, (int) Math.ceil((double) masked / k), null, false);
  }

  private List<Integer> maskPredict(int k) {
    float[][] logits = firstPass();
    int n = length(logits);
    List<Integer> text = masks(n);
    double[] confidence = new double[n];
    for (int t = 1; n > 0 && t <= k; t++) {
      if (t > 1) {
        int count = Math.max(1, (int) Math.floor((double) n * (k - t + 1) / k));
        List<Integer> order = byConfidence(IntStream.range(0, n).boxed().toList(), confidence);
        order.subList(n - count, n).forEach(p -> text.set(p, config.maskId()));
        logits = rows(padded(text), true);
        passes++;
      }
      for (int p = 0; p < n; p++) {
        if (text.get(p) == config.maskId()) {
          text.set(p, character(logits[p]));
          confidence[p] = probability(logits[p], text.get(p));
        }
      }
    }
    return text;
  }

  private List<Integer> fill(List<Integer> text, int count, float[][] first, boolean leftmost) {
    float[][] logits = first;
    while (text.contains(config.maskId())) {
      if (logits == null) {
        logits = rows(padded(text), true);
        passes++;
      }
      double[] confidence = new double[text.size()];
      for (int p = 0; p < text.size() && !leftmost; p++) {
        confidence[p] = probability(logits[p], character(logits[p]));
      }
      List<Integer> masked =
          IntStream.range(0, text.size())
              .filter(p -> text.get(p) == config.maskId())
              .boxed()
              .toList();
      List<Integer> order = byConfidence(masked, confidence);
      for (int p : order.subList(0, Math.min(count, order.size()))) {
        text.set(p, character(logits[p]));
      }
      logits = null;
    }
    return text;
  }

  private float[][] firstPass() {
    size = Math.min(limit, rung(ctc.ids().length));
    while (true) {
      float[][] logits = rows(masks(size), true);
      passes++;
      if (length(logits) < size || size == limit) {
        return logits;
      }
      size = Math.min(limit, 2 * size);
      doublings++;
    }
  }

  private int length(float[][] logits) {
    int best = 0;
    double greatest = Double.NEGATIVE_INFINITY;
    for (int n = 0; n <= logits.length; n++) {
      double sum = 0;
      for (int p = 0; p < logits.length; p++) {
        double e = Math.min(1 - 1e-6, Math.max(1e-6, probability(logits[p], config.endId())));
        sum += p < n ? Math.log(1 - e) : Math.log(e);
      }
      if (sum > greatest + 1e-9) {
        best = n;
        greatest = sum;
      }
    }
    return best;
  }

  private static List<Integer> byConfidence(List<Integer> positions, double... confidence) {
    List<Integer> order = new ArrayList<>(positions);
    order.sort(comparing((Integer p) -> -confidence[p]).thenComparing(p -> p));
    return order;
  }

  private int rung(int characters) {
    int rung = config.canvasSmallest();
    while (rung < characters + config.canvasRoom()) {
      rung *= 2;
    }
    return rung;
  }

  private List<Integer> masks(int count) {
    return new ArrayList<>(Collections.nCopies(count, config.maskId()));
  }

  private List<Integer> padded(List<Integer> text) {
    List<Integer> canvas = new ArrayList<>(text);
    canvas.addAll(Collections.nCopies(size - text.size(), config.endId()));
    return canvas;
  }

  private float[][] rows(List<Integer> ids, boolean masked) {
    float[] flat = model.apply(ids.stream().mapToInt(i -> i).toArray(), masked);
    int width = config.vocabularySize();
    return IntStream.range(0, ids.size())
        .mapToObj(row -> Arrays.copyOfRange(flat, row * width, (row + 1) * width))
        .toArray(float[][]::new);
  }

  private int character(float... row) {
    int best = config.firstCharacterId();
    for (int id = best; id < row.length; id++) {
      best = row[id] > row[best] ? id : best;
    }
    return best;
  }

  private static float probability(float[] row, int id) {
    double sum = IntStream.range(0, row.length).mapToDouble(i -> Math.exp(row[i])).sum();
    return (float) (Math.exp(row[id]) / sum);
  }

  private static List<Integer> boxed(int... ids) {
    return Arrays.stream(ids).boxed().toList();
  }
}
