package dev.s3llm;

import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.error.NeverFitsException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.error.RequestRefusedException.Reason;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepResult;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.support.Nanos;
import java.util.Arrays;
import java.util.List;

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
   * @throws NeverFitsException if prompt and output limit, or for an output as long as fits the
   *     prompt and one token, exceed the context or the KV memory
   * @throws RequestRefusedException if a token id is not in the vocabulary, the executor takes no
   *     inputs, an input exceeds a step, or the request asks for what no executor gives
   */
  void validate(GenerationRequest request) {
    requireSupported(request);
    requireLeastLength(request);
    long needed = (long) request.promptLength() + outputLimit(request);
    if (needed > profile.maxContextTokens()) {
      throw new NeverFitsException(
          request.id(), needed, profile.maxContextTokens(), "the model's context");
    }
    if (needed > profile.capacityTokens()) {
      throw new NeverFitsException(
          request.id(), needed, profile.capacityTokens(), "the KV memory (in tokens)");
    }
    requireRoom(request);
    if (request.inputSlots() > 0 && request.promptLength() > profile.maxTokensPerStep()) {
      throw new RequestRefusedException(
          request.id(),
          Reason.NEVER_FITS,
          "input and prompt need %d tokens in one step, but a step computes %d; shorten the input"
              .formatted(request.promptLength(), profile.maxTokensPerStep()));
    }
    requireInVocabulary(request.id(), "promptTokens", request.sharedPrompt());
    requireInVocabulary(request.id(), "stopTokens", request.sharedStops());
    requireInVocabulary(request.id(), request.sampling());
  }

  private void requireSupported(GenerationRequest request) {
    if (request.inputSlots() > 0 && !profile.takesInputs()) {
      throw invalid(
          request, "it has an input, but the executor takes token ids only; use another executor");
    }
    if (request.logProbabilities() >= 0 && !profile.reportsLogProbabilities()) {
      throw invalid(
          request,
          "logProbabilities is set, but the executor does not report them; remove it, or use"
              + " another executor");
    }
    if (request.features()) {
      throw unsupported(request, "features");
    }
    if (request.tokenConstraint().isPresent()) {
      requireConstrainable(request);
    }
  }

  private void requireConstrainable(GenerationRequest request) {
    if (!profile.masksTokens() || profile.growth() == ExecutorProfile.KvGrowth.FIXED_CANVAS) {
      throw invalid(
          request,
          "tokenConstraint is set, but the executor %s; remove it, or use another executor"
              .formatted(profile.masksTokens() ? "may decode on a canvas" : "cannot mask tokens"));
    }
    int shortest = request.rule().shortest();
    if (shortest > outputLimit(request)) {
      throw invalid(
          request,
          "the shortest answer that tokenConstraint allows has %d tokens, but maxNewTokens allows %d; raise maxNewTokens"
              .formatted(shortest, outputLimit(request)));
    }
    if (request.minTokens() > request.rule().longest()) {
      throw invalid(
          request,
          "minTokens is %d, but the longest answer that tokenConstraint allows has %d tokens; lower minTokens"
              .formatted(request.minTokens(), request.rule().longest()));
    }
  }

  /** Refuses a least length above the room of an answer that may be as long as fits. */
  private void requireRoom(GenerationRequest request) {
    int room = outputLimit(request);
    if (request.minTokens() > room) {
      throw invalid(
          request,
          "minTokens is %d, but the prompt leaves room for %d tokens; lower minTokens, or shorten the prompt"
              .formatted(request.minTokens(), room));
    }
  }

  private void requireLeastLength(GenerationRequest request) {
    int least = request.minTokens();
    int stops = request.sharedStops().length;
    if (least == 0 || stops == 0) {
      return;
    }
    if (!profile.masksTokens()) {
      throw invalid(
          request,
          "minTokens is %d, but the executor cannot mask stop tokens; remove minTokens, or use another executor"
              .formatted(least));
    }
    int most = Math.min(ExecutorProfile.MOST_FORBIDDEN, profile.vocabularySize() - 1);
    if (stops > most) {
      throw invalid(
          request,
          "minTokens is %d with %d stop tokens, but at most %d can be masked; name fewer"
              .formatted(least, stops, most));
    }
  }

  /**
   * Returns the output limit of a request in tokens, at least 1; computed if it is as long as fits,
   * and at most the longest answer that a constraint allows.
   */
  private int outputLimit(GenerationRequest request) {
    int limit =
        request.maxNewTokens() == GenerationRequest.AS_MANY_AS_FIT
            ? (int) Math.max(1, maxTokens() - request.promptLength())
            : request.maxNewTokens();
    return Math.min(limit, request.rule().longest());
  }

  private static RequestRefusedException unsupported(GenerationRequest request, String setting) {
    return invalid(
        request, setting + " is set, but no executor of this version supports it; remove it");
  }

  private static RequestRefusedException invalid(GenerationRequest request, String message) {
    return new RequestRefusedException(request.id(), Reason.INVALID_REQUEST, message);
  }

  private void requireInVocabulary(String id, SamplingParameters sampling) {
    for (Integer token : sampling.logitBias().keySet()) {
      if (token < 0 || token >= profile.vocabularySize()) {
        throw new RequestRefusedException(
            id,
            Reason.INVALID_REQUEST,
            "logitBias has token %d, but token ids are in [0, %d)"
                .formatted(token, profile.vocabularySize()));
      }
    }
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
   * Returns what a request asks for, for the event of its refusal.
   *
   * @param now time of submission, in nanoseconds of the engine's clock
   */
  EngineEvent.Request asked(GenerationRequest request, long now) {
    return new EngineEvent.Request(
        now,
        request.promptLength(),
        outputLimit(request),
        request.priority(),
        request.deadline().map(Nanos::of).orElse(Long.MAX_VALUE),
        request.tenant(),
        0,
        List.of());
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
            outputLimit(request));
    return new SequenceSpec(
        request.id(),
        positions(request),
        new SequenceSpec.Stops(request.sharedStops(), request.minTokens()),
        request.sampling(),
        new SequenceSpec.Standing(request.tenant(), request.priority()),
        new SequenceSpec.Times(
            now,
            request.deadline().map(d -> Nanos.after(now, d)).orElse(Long.MAX_VALUE),
            request.timePerOutputToken().map(Nanos::of).orElse(Long.MAX_VALUE),
            request.firstTokenWithin().map(Nanos::of).orElse(Long.MAX_VALUE)),
        query,
        sink,
        request.input().orElse(null),
        sharing(request),
        new SequenceSpec.Output(
            request.rule().constraint(),
            request.rule().shortest(),
            request.logProbabilities(),
            request.thinking().orElse(null)));
  }

  /** Returns who may share KV blocks with a request: its tenant, unless it names a salt. */
  private static SequenceSpec.Sharing sharing(GenerationRequest request) {
    return new SequenceSpec.Sharing(
        request
            .cacheSalt()
            .map(SequenceSpec.Sharing::withSalt)
            .orElseGet(() -> SequenceSpec.Sharing.within(request.tenant()))
            .scope(),
        request.expectFollowUpWithin().map(Nanos::of).orElse(0L),
        request.sessionEnds());
  }

  /**
   * Returns the prompt's token ids, after as many places without a token as the input has slots.
   */
  private static int[] positions(GenerationRequest request) {
    int[] tokens = request.sharedPrompt();
    int[] positions = new int[request.promptLength()];
    Arrays.fill(positions, 0, request.inputSlots(), StepResult.NO_TOKEN);
    System.arraycopy(tokens, 0, positions, request.inputSlots(), tokens.length);
    return positions;
  }
}
