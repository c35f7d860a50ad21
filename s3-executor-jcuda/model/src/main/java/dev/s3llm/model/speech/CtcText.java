package dev.s3llm.model.speech;

import java.util.Arrays;

/**
 * The CTC branch's greedy reading of a recording. A frame begins a character when its likeliest id
 * is not blank and differs from that of the frame before.
 *
 * @param ids the characters
 * @param confidences for each character its greatest probability over the frames of its run
 * @param index for each frame the number of characters begun at the frames up to it
 */
@SuppressWarnings("ArrayRecordComponent") // shared, never compared
public record CtcText(int[] ids, float[] confidences, int[] index) {

  /**
   * Reads the logits of the CTC branch.
   *
   * @param config the model's shape
   * @param logits {@code [frame][vocabulary]}
   * @param frames number of frames
   */
  public static CtcText of(SpeechConfig config, float[] logits, int frames) {
    Reading reading = new Reading(config, frames);
    for (int t = 0; t < frames; t++) {
      reading.frame(t, logits, t * config.vocabularySize());
    }
    return reading.text();
  }

  private static final class Reading {
    private final SpeechConfig config;
    private final int[] ids;
    private final float[] confidences;
    private final int[] index;
    private int count;
    private int before;

    Reading(SpeechConfig config, int frames) {
      this.config = config;
      ids = new int[frames];
      confidences = new float[frames];
      index = new int[frames];
      before = config.blankId();
    }

    void frame(int t, float[] logits, int at) {
      int best = likeliest(logits, at);
      if (best != config.blankId()) {
        if (best != before) {
          ids[count++] = best;
        }
        float probability = Scores.probability(logits, at, config.vocabularySize(), best);
        confidences[count - 1] = Math.max(confidences[count - 1], probability);
      }
      index[t] = count;
      before = best;
    }

    private int likeliest(float[] logits, int at) {
      int best = config.blankId();
      for (int id = config.firstCharacterId(); id < config.vocabularySize(); id++) {
        if (logits[at + id] > logits[at + best]) {
          best = id;
        }
      }
      return best;
    }

    CtcText text() {
      return new CtcText(Arrays.copyOf(ids, count), Arrays.copyOf(confidences, count), index);
    }
  }
}
