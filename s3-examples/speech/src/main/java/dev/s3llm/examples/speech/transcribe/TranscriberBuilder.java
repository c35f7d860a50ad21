package dev.s3llm.examples.speech.transcribe;

import static java.util.Objects.requireNonNull;

import dev.s3llm.EngineBuilder;
import dev.s3llm.execute.Executor;
import dev.s3llm.model.speech.Decoding;
import java.time.Duration;
import java.util.function.Consumer;

/** Builds a transcriber. Not thread-safe. */
public final class TranscriberBuilder {
  private static final int PASSES = 3;
  private static final Duration LONGEST = Duration.ofSeconds(60);

  final SpeechModel model;
  final Executor executor;
  Decoding decoding = Decoding.of(Decoding.Strategy.EASY_FIRST, PASSES);
  Duration longest = LONGEST;
  int canvasLimit;
  LengthEstimator estimator = LengthEstimator.flux();
  Consumer<EngineBuilder> settings = builder -> {};

  TranscriberBuilder(SpeechModel model, Executor executor) {
    this.model = model;
    this.executor = executor;
    canvasLimit = model.config().canvasFor(model.config().maxTargetPositions());
  }

  /**
   * Sets how texts are decoded; easy first with three passes by default.
   *
   * @param value the strategy and its number of passes
   */
  public TranscriberBuilder decoding(Decoding value) {
    decoding = requireNonNull(value, "decoding must not be null");
    return this;
  }

  /**
   * Sets the longest recording that is accepted; a minute by default.
   *
   * @param value at least a millisecond, at most an hour
   */
  public TranscriberBuilder longest(Duration value) {
    longest = requireNonNull(value, "longest must not be null");
    return this;
  }

  /**
   * Sets the most positions of a canvas, and of a text; by default the canvas of the longest text
   * that the model was trained on.
   *
   * @param positions at least the first rung of the model's ladder
   * @throws IllegalArgumentException if the limit is below the first rung
   */
  public TranscriberBuilder canvasLimit(int positions) {
    if (positions < model.config().canvasSmallest()) {
      throw new IllegalArgumentException(
          "canvasLimit is %d, but the smallest canvas of the model has %d positions"
              .formatted(positions, model.config().canvasSmallest()));
    }
    canvasLimit = positions;
    return this;
  }

  /**
   * Sets how the length of a text is estimated from the audio; {@link LengthEstimator#flux} by
   * default.
   *
   * @param value an estimator, which learns from the texts
   */
  public TranscriberBuilder estimator(LengthEstimator value) {
    estimator = requireNonNull(value, "estimator must not be null");
    return this;
  }

  /**
   * Sets what the engine's builder needs beside executor and predictor: planner, recovery,
   * listeners; nothing by default.
   *
   * @param value sets the settings
   */
  public TranscriberBuilder engine(Consumer<EngineBuilder> value) {
    settings = requireNonNull(value, "engine must not be null");
    return this;
  }

  /**
   * Builds and starts the transcriber.
   *
   * @throws IllegalArgumentException if settings contradict each other
   */
  public Transcriber build() {
    return new Transcriber(this);
  }
}
