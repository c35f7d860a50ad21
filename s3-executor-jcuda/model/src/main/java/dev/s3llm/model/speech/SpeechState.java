package dev.s3llm.model.speech;

import java.util.HashMap;
import java.util.Map;

/**
 * What a speech executor keeps between steps. Steps and releases alternate: the engine releases a
 * sequence only while no step runs, so this needs no lock.
 */
final class SpeechState {
  final SpeechDevice device;
  final SpeechConfig config;
  final SpeechRequests requests;
  final Scores scores;
  final PassesByLoad passes = new PassesByLoad();
  final Map<Long, Utterance> utterances = new HashMap<>();

  /**
   * Creates the state without sequences.
   *
   * @param device does the arithmetic
   */
  SpeechState(SpeechDevice device) {
    this.device = device;
    this.config = device.config();
    this.requests = new SpeechRequests(config, device.profile().maxTokensPerStep());
    this.scores = new Scores(config);
  }
}
