package dev.s3llm.model.speech;

import java.util.Map;
import java.util.WeakHashMap;

/**
 * The number of passes of each recording. If it depends on the load, it is chosen when the
 * recording is first encoded and kept while the input lives, so that the text does not depend on
 * preemptions. Not thread-safe.
 */
final class PassesByLoad {
  private final Map<SpeechInput, Integer> chosen = new WeakHashMap<>(); // by identity

  /**
   * Returns the number of passes: the greatest if no request waits, otherwise the least.
   *
   * @param input the recording
   * @param waiting number of requests that wait for admission
   */
  int choose(SpeechInput input, int waiting) {
    Decoding decoding = input.decoding();
    if (decoding.leastPasses() == decoding.passes()) {
      return decoding.passes();
    }
    return chosen.computeIfAbsent(
        input, first -> waiting == 0 ? decoding.passes() : decoding.leastPasses());
  }
}
