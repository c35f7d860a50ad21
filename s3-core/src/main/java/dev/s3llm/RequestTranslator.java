package dev.s3llm;

import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.error.NeverFitsException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.error.RequestRefusedException.Reason;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.support.Nanos;

/** Checks requests against what the executor offers, and puts them in the loop's terms. */
final class RequestTranslator {
  private final ExecutorProfile profile;

  RequestTranslator(ExecutorProfile profile) {
    this.profile = profile;
  }

  /** The most tokens that a request may have, prompt and output limit together. */
  long maxTokens() {
    return Math.min(profile.maxContextTokens(), profile.capacityTokens());
  }

  /** Refuses what this executor can never serve. */
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

  /** What the loop needs to know of it. */
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
