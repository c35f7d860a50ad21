package dev.s3llm.model.speech;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.model.speech.Decoding.Strategy;
import org.jspecify.annotations.Nullable;

/** The checks of one sequence of a step. A problem fails its sequence alone. */
final class SpeechRequests {
  private final SpeechConfig config;
  private final int maxTokensPerStep;

  /**
   * Creates the checks.
   *
   * @param config the model's shape
   * @param maxTokensPerStep positions that a step computes
   */
  SpeechRequests(SpeechConfig config, int maxTokensPerStep) {
    this.config = config;
    this.maxTokensPerStep = maxTokensPerStep;
  }

  /** Returns what is wrong with a sequence that is to be encoded, or null. */
  @Nullable String problem(SequenceStep step) {
    if (!(step.input() instanceof SpeechInput input)) {
      return "the request has no SpeechInput but %s; build it with GenerationRequest.builder(input)"
          .formatted(step.input() == null ? "only token ids" : step.input().getClass().getName());
    }
    int bands = input.features().length / input.frames();
    if (bands != config.melBands()) {
      return "the features have %d numbers a frame, but the model reads %d mel bands; compute them with the settings of the model's preprocessor_config.json"
          .formatted(bands, config.melBands());
    }
    if (step.tokenCount() < step.promptTokens()) {
      return "the step computes %d of the %d positions of the prompt, but a recording is encoded whole"
          .formatted(step.tokenCount(), step.promptTokens());
    }
    return promptProblem(step, input);
  }

  private @Nullable String promptProblem(SequenceStep step, SpeechInput input) {
    Strategy strategy = input.decoding().strategy();
    int tokens = step.promptTokens() - input.slots();
    if (strategy != Strategy.LEFT_TO_RIGHT) {
      return tokens == 0
          ? null
          : "strategy %s takes no prompt tokens, but the request has %d; remove them"
              .formatted(strategy, tokens);
    }
    return tokens == 1 && step.token(input.slots()) == config.endId()
        ? null
        : "strategy %s starts from one prompt token, the end's id %d, but the request has %s"
            .formatted(
                strategy,
                config.endId(),
                tokens == 1 ? "token " + step.token(input.slots()) : tokens + " tokens");
  }

  /** Returns what is wrong with a sequence that goes on, or null. */
  @Nullable String problem(SequenceStep step, @Nullable Utterance utterance) {
    if (utterance == null) {
      return "the recording of sequence %d is not encoded, but its step starts at position %d"
          .formatted(step.sequenceId(), step.startPosition());
    }
    Canvas canvas = utterance.canvas();
    if (canvas.finished()) {
      return "the text has ended, but the request goes on; give it the stop token %d"
          .formatted(config.endId());
    }
    return canvas.size() > step.tokenCount()
        ? "the step computes %d positions of a canvas of %d"
            .formatted(step.tokenCount(), canvas.size())
        : null;
  }

  /** Returns what is wrong with the canvas that a sequence needs next, or null. */
  @Nullable String canvasProblem(Canvas canvas) {
    return canvas.finished() || canvas.size() <= maxTokensPerStep
        ? null
        : "the text needs a canvas of %d positions, but a step computes %d; raise maxTokensPerStep, or lower the request's maxNewTokens"
            .formatted(canvas.size(), maxTokensPerStep);
  }
}
