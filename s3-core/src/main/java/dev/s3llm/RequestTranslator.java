package dev.s3llm;

import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.error.NeverFitsException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.error.RequestRefusedException.Reason;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.support.Nanos;

/** Validates requests against the executor's profile and converts them to sequence specs. */
final class RequestTranslator {
  private final ExecutorProfile profile;

  RequestTranslator(ExecutorProfile profile) {
    this.profile = profile;
  }

  /** Returns the most tokens that a request may have, prompt and output limit together. */
  long maxTokens() {
    return Math.min(profile.maxContextTokens(), profile.capacityTokens());
  }

  /**
   * Checks a request.
   *
   * @throws NeverFitsException if prompt and output limit exceed the context or the KV memory
   * @throws RequestRefusedException if a token id is not in the vocabulary
   */
  void validate(GenerationRequest request) {
    long needed = (long) request.promptLength() + request.maxNewTokens();
    if (needed > profile.maxContextTokens()) {
      throw new NeverFitsException(
          request.id(), needed, profile.maxContextTokens(), "the model's context");
    }
    if (needed > profile.capacityTokens()) {
      throw new NeverFitsException(
          request.id(), needed, profile.capacityTokens(), "the KV memory (in tokens)");
    }
    requireInVocabulary(request.id(), "promptTokens", request.sharedPrompt());
    requireInVocabulary(request.id(), "stopTokens", request.sharedStops());
  }

  private void requireInVocabulary(String id, String field, int[] tokens) {
    for (int i = 0; i < tokens.length; i++) {
      if (tokens[i] < 0 || tokens[i] >= profile.vocabularySize()) {
        throw new RequestRefusedException(
            id,
            Reason.INVALID_REQUEST,
            "%s[%d] is %d, but token ids are in [0, %d)"
                .formatted(field, i, tokens[i], profile.vocabularySize()));
      }
    }
  }

  /**
   * Returns the request as the loop needs it.
   *
   * @param sink receives tokens and the end
   * @param now time of submission, in nanoseconds of the engine's clock
   */
  SequenceSpec spec(GenerationRequest request, SequenceSink sink, long now) {
    LengthQuery query =
        new LengthQuery(
            request.promptLength(),
            request.promptText().orElse(null),
            request.lengthKey().orElse(null),
            request.lengthHint().orElse(0),
            request.maxNewTokens());
    return new SequenceSpec(
        request.id(),
        request.promptTokens(),
        request.sharedStops(),
        request.sampling(),
        new SequenceSpec.Standing(request.tenant(), request.priority()),
        new SequenceSpec.Times(
            now,
            request.deadline().map(d -> Nanos.after(now, d)).orElse(Long.MAX_VALUE),
            request.timePerOutputToken().map(Nanos::of).orElse(Long.MAX_VALUE)),
        query,
        sink);
  }
}
