package dev.s3llm.text;

import dev.s3llm.Generation;
import dev.s3llm.S3Engine;
import dev.s3llm.text.template.ChatTemplateException;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Generates text with an engine and the text side of the model that it runs.
 *
 * <pre>{@code
 * S3Engine engine = S3Engine.builder(CpuExecutor.builder(folder).build()).build();
 * try (TextGenerator generator = TextGenerator.of(engine, TextModel.load(folder))) {
 *   String answer = generator.submit(TextRequest.of("What is a monad?")).result().join().text();
 * }
 * }</pre>
 *
 * <p>Thread-safe. Owns both: closing it closes them.
 */
public final class TextGenerator implements AutoCloseable {
  private static final long DECODE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final S3Engine engine;
  private final TextModel model;

  /** One for each text that is not decoded yet: the tokenizer must not go away before. */
  private final Set<CountDownLatch> undecoded = ConcurrentHashMap.newKeySet();

  private TextGenerator(S3Engine engine, TextModel model) {
    this.engine = engine;
    this.model = model;
  }

  /**
   * Joins an engine and a model.
   *
   * @param engine runs the model; may be used directly beside, and is closed with the generator
   * @param model of the same folder as the engine's executor; closed with the generator
   */
  public static TextGenerator of(S3Engine engine, TextModel model) {
    return new TextGenerator(engine, model);
  }

  /**
   * Accepts a request. Encodes its prompt on the calling thread.
   *
   * @throws dev.s3llm.error.RequestRefusedException as {@link S3Engine#submit} does
   * @throws ChatTemplateException if the model's chat template refuses the messages or cannot be
   *     rendered
   * @throws IllegalArgumentException if the prompt encodes to no tokens, or from what was passed to
   *     {@link TextRequest.Builder#configure}
   */
  public TextGeneration submit(TextRequest request) {
    CountDownLatch decoded = new CountDownLatch(1);
    undecoded.add(decoded);
    Runnable onDecoded =
        () -> {
          undecoded.remove(decoded);
          decoded.countDown();
        };
    try {
      TextGeneration generation = start(request);
      generation.whenDecoded(onDecoded);
      return generation;
    } catch (RuntimeException | Error e) {
      onDecoded.run();
      throw e;
    }
  }

  private TextGeneration start(TextRequest request) {
    Generation generation = engine.submit(request.tokenize(model, engine.maxTokensPerRequest()));
    return TextGeneration.start(
        generation, model.tokenizer().stream(), request.stopStrings(), engine.callbackExecutor());
  }

  /** The engine. */
  public S3Engine engine() {
    return engine;
  }

  /** The model. */
  public TextModel model() {
    return model;
  }

  /**
   * Closes the engine, which lets live requests finish within its close timeout, waits up to ten
   * seconds for callbacks that still decode their tokens, and closes the model. Where {@link
   * S3Engine#close} returns at once, on the loop's thread or because somebody else is closing, this
   * does too, and the model is closed when the engine has ended.
   */
  @Override
  public void close() {
    try {
      engine.close();
    } finally {
      CompletableFuture<Void> ended = engine.whenClosed();
      if (ended.isDone()) {
        closeModel();
      } else { // to wait here would hold up what the engine still finishes
        var unused = ended.thenRunAsync(this::closeModel, TextGenerator::runOnThreadOfItsOwn);
      }
    }
  }

  private static void runOnThreadOfItsOwn(Runnable task) {
    Thread thread = new Thread(task, "s3-close-model");
    thread.setDaemon(true);
    thread.start();
  }

  private void closeModel() {
    try (model) {
      awaitDecoding();
    }
  }

  /** If callbacks are stuck, what is left fails, as its result says. */
  private void awaitDecoding() {
    long end = System.nanoTime() + DECODE_NANOS;
    try {
      for (CountDownLatch decoded : undecoded) {
        if (!decoded.await(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // whoever is in a hurry does not wait
    }
  }
}
