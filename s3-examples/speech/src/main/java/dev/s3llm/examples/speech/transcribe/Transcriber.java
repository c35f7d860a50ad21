package dev.s3llm.examples.speech.transcribe;

import static java.util.Objects.requireNonNull;

import dev.s3llm.EngineBuilder;
import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.GenerationResult;
import dev.s3llm.S3Engine;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.examples.speech.audio.AudioFormatException;
import dev.s3llm.examples.speech.audio.Recording;
import dev.s3llm.examples.speech.audio.WavReader;
import dev.s3llm.execute.Executor;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.SpeechInput;
import dev.s3llm.model.speech.SpeechVocabulary;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthQuery;
import java.nio.file.Path;

/**
 * Transcribes recordings on an engine of its own, many at a time.
 *
 * <pre>{@code
 * try (SpeechModel model = SpeechModel.embedded();
 *     Transcriber transcriber =
 *         Transcriber.builder(model, CpuSpeechExecutor.builder(model.config(), model.tensors()).build())
 *             .build()) {
 *   Speech speech = transcriber.read(Path.of("question.wav"));
 *   System.out.println(transcriber.submit(speech).result().join().text());
 * }
 * }</pre>
 *
 * <p>Thread-safe.
 */
public final class Transcriber implements AutoCloseable {
  private final SpeechModel model;
  private final SpeechVocabulary vocabulary;
  private final WavReader reader;
  private final Decoding decoding;
  private final int canvasLimit;
  private final LengthEstimator estimator;
  private final CanvasPredictor predictor;
  private final S3Engine engine;

  Transcriber(TranscriberBuilder builder) {
    model = builder.model;
    vocabulary = model.vocabulary();
    reader = new WavReader(builder.longest);
    decoding = builder.decoding;
    canvasLimit = builder.canvasLimit;
    estimator = builder.estimator;
    predictor = new CanvasPredictor(model.config());
    EngineBuilder settings = S3Engine.builder(builder.executor).predictor(predictor);
    builder.settings.accept(settings);
    engine = settings.build();
  }

  /**
   * Returns a builder of a transcriber.
   *
   * @param model the model; stays open
   * @param executor an executor of this model; the transcriber owns and closes it once it is built
   * @throws NullPointerException if an argument is null
   */
  public static TranscriberBuilder builder(SpeechModel model, Executor executor) {
    return new TranscriberBuilder(
        requireNonNull(model, "model must not be null"),
        requireNonNull(executor, "executor must not be null"));
  }

  /**
   * Reads a WAV file and computes its features, on the calling thread, in about a hundredth of its
   * duration.
   *
   * @param file a WAV file
   * @throws AudioFormatException if the file is missing, damaged, empty, too long, or of a format
   *     that is not supported
   */
  public Speech read(Path file) {
    return speech(reader.read(file));
  }

  /**
   * Reads the content of a WAV file and computes its features, on the calling thread.
   *
   * @param name what messages call the file
   * @param content the whole file
   * @throws AudioFormatException if the content is damaged, empty, too long, or of a format that is
   *     not supported
   */
  public Speech read(String name, byte[] content) {
    return speech(reader.read(name, content));
  }

  private Speech speech(Recording recording) {
    return new Speech(model.features(recording), estimator);
  }

  /**
   * Submits a recording. Returns at once.
   *
   * @param speech what {@link #read} returned
   * @throws RequestRefusedException if the engine refuses the request, because its queue is full or
   *     the recording does not fit the KV memory, for example
   */
  public TranscriptionJob submit(Speech speech) {
    return submit(speech, TranscriptionOptions.NONE);
  }

  /**
   * Submits a recording. Returns at once.
   *
   * @param speech what {@link #read} returned
   * @param options options of this request
   * @throws RequestRefusedException if the engine refuses the request, because its queue is full or
   *     the recording does not fit the KV memory, for example
   */
  public TranscriptionJob submit(Speech speech, TranscriptionOptions options) {
    Features features = speech.features();
    Decoding way = options.decoding() == null ? decoding : options.decoding();
    CanvasLog log = new CanvasLog(options.listener());
    SpeechInput input =
        new SpeechInput(features.numbers(), features.frames(), way).withListener(log);
    boolean causal = way.strategy() == Decoding.Strategy.LEFT_TO_RIGHT;
    int[] start = causal ? new int[] {model.config().endId()} : new int[0];
    int prompt = input.slots() + start.length;
    LengthQuery query =
        CanvasPredictor.query(
            prompt, estimator.characters(speech.facts()), way.strategy(), limit(prompt));
    GenerationRequest.Builder request =
        GenerationRequest.builder(input, start)
            .stopTokens(model.config().endId())
            .maxNewTokens(query.maxNewTokens())
            .lengthKey(CanvasPredictor.key(way.strategy()))
            .lengthHint(query.hintTokens());
    options.request().accept(request);
    Pending pending = new Pending(speech, input, query, predictor.open(query), log);
    Generation generation = submit(request.build(), query);
    return new TranscriptionJob(
        generation, generation.result().thenApply(result -> ended(pending, result)));
  }

  /**
   * Returns the most positions of a recording's canvas: the limit, or the largest rung of the
   * ladder that the KV memory holds beside the recording.
   */
  private int limit(int prompt) {
    long room = engine.maxTokensPerRequest() - prompt;
    int rung = model.config().canvasSmallest();
    if (room >= canvasLimit || room < rung) { // the engine refuses what can never fit
      return canvasLimit;
    }
    while (2L * rung <= room) {
      rung *= 2;
    }
    return Math.min(rung, canvasLimit);
  }

  private Generation submit(GenerationRequest request, LengthQuery query) {
    boolean submitted = false;
    try {
      Generation generation = engine.submit(request);
      submitted = true;
      return generation;
    } finally {
      if (!submitted) {
        predictor.learn(query, -1);
      }
    }
  }

  private record Pending(
      Speech speech, SpeechInput input, LengthQuery query, int predicted, CanvasLog log) {}

  private Transcription ended(Pending pending, GenerationResult result) {
    FinishReason reason = result.finishReason();
    if (reason != FinishReason.STOP && reason != FinishReason.LENGTH) {
      predictor.learn(pending.query(), -1);
      throw failure(result);
    }
    int[] tokens = result.tokens();
    int characters = reason == FinishReason.STOP ? tokens.length - 1 : tokens.length;
    double seconds = pending.speech().seconds();
    predictor.learn(pending.query(), characters);
    requireRoom(pending, result, characters);
    estimator.learn(pending.speech().facts(), seconds, characters);
    return new Transcription(
        text(tokens, characters),
        reason == FinishReason.STOP,
        new Transcription.Audio(seconds, pending.input().slots()),
        new Transcription.Canvas(
            result.canvasSlots(), passes(pending, result), pending.log().doublings()),
        pending.predicted(),
        result.preemptions(),
        result.total());
  }

  /** Fails a text that memory has cut off, so that no text depends on the size of the memory. */
  private void requireRoom(Pending pending, GenerationResult result, int characters) {
    int limit = pending.query().maxNewTokens();
    boolean small =
        result.finishReason() == FinishReason.LENGTH
            || (result.canvasSlots() > 0 && model.config().canvasFor(characters) > limit);
    if (limit < canvasLimit && small) {
      throw new TranscriptionFailedException(
          FinishReason.FAILED,
          new IllegalStateException(
              "the text needs a canvas of more than %d positions, which the KV memory does not hold beside the recording; give it more KV memory"
                  .formatted(limit)));
    }
  }

  private String text(int[] tokens, int characters) {
    int[] ids = new int[characters];
    System.arraycopy(tokens, 0, ids, 0, characters);
    return vocabulary.text(ids);
  }

  /** Returns the passes over the canvas, or the steps of the causal decoder. */
  private static int passes(Pending pending, GenerationResult result) {
    boolean causal =
        pending.input().decoding().strategy() == Decoding.Strategy.LEFT_TO_RIGHT
            && result.outputTokens() > 1; // an empty text takes no step
    return causal ? result.outputTokens() : result.canvasPasses();
  }

  private static RuntimeException failure(GenerationResult result) {
    Throwable cause = result.failure().orElse(null);
    return cause instanceof RequestRefusedException refusal
        ? refusal
        : new TranscriptionFailedException(result.finishReason(), cause);
  }

  /** Returns the engine, for its counters and its health. */
  public S3Engine engine() {
    return engine;
  }

  /** Returns the model. */
  public SpeechModel model() {
    return model;
  }

  /** Closes the engine, with the executor. The model stays open. */
  @Override
  public void close() {
    engine.close();
  }
}
