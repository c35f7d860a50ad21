package dev.s3llm.text;

import com.google.common.base.Preconditions;
import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.error.RequestRefusedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
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
 * <p>Thread-safe. Owns the engine and the model, and closes both.
 */
public final class TextGenerator implements AutoCloseable {
  private static final long DECODE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final S3Engine engine;
  private final TextModel model;

  /** One latch for each request whose texts are not decoded yet: the model is closed after them. */
  private final Set<CountDownLatch> undecoded = ConcurrentHashMap.newKeySet();

  private volatile boolean closed;

  private TextGenerator(S3Engine engine, TextModel model) {
    this.engine = engine;
    this.model = model;
  }

  /**
   * Creates a generator from an engine and a model.
   *
   * @param engine runs the model; requests in tokens may be submitted to it directly too
   * @param model the text side of the folder that the engine's executor has loaded
   * @throws NullPointerException if an argument is null
   */
  public static TextGenerator of(S3Engine engine, TextModel model) {
    return new TextGenerator(
        Objects.requireNonNull(engine, "engine"), Objects.requireNonNull(model, "model"));
  }

  /**
   * Accepts a request. Encodes its prompt on the calling thread.
   *
   * <p>A {@link ChatTemplateException} and an {@link IllegalArgumentException} both mean that the
   * request is bad: a server answers them with status 400.
   *
   * @param request what to generate
   * @return the handle of the accepted request
   * @throws RequestRefusedException as {@link S3Engine#submit} does; after {@link #close}, with the
   *     reason {@code ENGINE_CLOSED}
   * @throws ChatTemplateException if the model's chat template refuses the messages or cannot be
   *     rendered
   * @throws IllegalArgumentException if the prompt encodes to no tokens or is longer than 4,000,000
   *     characters, or if an action of {@link TextRequest.Builder#configure} throws it
   */
  public TextGeneration submit(TextRequest request) {
    return submit(request, 1).get(0);
  }

  /**
   * Accepts a request for several answers to the same prompt, as {@link
   * S3Engine#submit(GenerationRequest, int)} does. Encodes the prompt once, on the calling thread.
   *
   * @param request what to generate
   * @param n number of answers, from 1 to {@value S3Engine#MOST_ANSWERS}
   * @return the handles of the answers, in order; if one is refused, all are
   * @throws RequestRefusedException as {@link #submit(TextRequest)} does
   * @throws ChatTemplateException as {@link #submit(TextRequest)} does
   * @throws IllegalArgumentException as {@link #submit(TextRequest)} does, or if {@code n} is out
   *     of range
   */
  public List<TextGeneration> submit(TextRequest request, int n) {
    Preconditions.checkArgument(
        n >= 1 && n <= S3Engine.MOST_ANSWERS,
        "n must be from 1 to %s, but is %s",
        S3Engine.MOST_ANSWERS,
        n);
    CountDownLatch decoded = new CountDownLatch(n);
    undecoded.add(decoded); // before the check: close() sets the flag, then waits for all latches
    try {
      requireOpen(request);
      List<TextGeneration> generations = start(request, n);
      generations.forEach(generation -> generation.whenDecoded(() -> countDown(decoded)));
      return generations;
    } catch (RuntimeException | Error e) {
      undecoded.remove(decoded);
      while (decoded.getCount() > 0) {
        decoded.countDown();
      }
      throw e;
    }
  }

  private void countDown(CountDownLatch decoded) {
    decoded.countDown();
    if (decoded.getCount() == 0) {
      undecoded.remove(decoded);
    }
  }

  private void requireOpen(TextRequest request) {
    if (closed) {
      throw new RequestRefusedException(
          request.id(), RequestRefusedException.Reason.ENGINE_CLOSED, "the engine is closed");
    }
  }

  private List<TextGeneration> start(TextRequest request, int n) {
    TextRequest.Prepared prepared = request.prepare(model, engine.maxTokensPerRequest());
    GenerationRequest tokens = prepared.tokens();
    TextGeneration.Stops stops =
        new TextGeneration.Stops(
            request.stopStrings(), tokens.minTokens(), !request.parallelToolCalls());
    List<TextGeneration> handles = new ArrayList<>(n);
    for (Generation generation : engine.submit(tokens, n)) {
      handles.add(
          TextGeneration.start(
              generation,
              model.tokenizer().stream(),
              prepared.newParser(),
              stops,
              engine.callbackExecutor()));
    }
    return List.copyOf(handles);
  }

  /** Returns the engine. */
  public S3Engine engine() {
    return engine;
  }

  /** Returns the model. */
  public TextModel model() {
    return model;
  }

  /**
   * Closes the engine, which lets live requests finish within its close timeout, waits up to ten
   * seconds for callbacks that still decode tokens, and closes the model. Where {@link
   * S3Engine#close} returns at once (on the loop's thread, or because another thread is closing
   * it), this method does too, and the model is closed when the engine has ended.
   */
  @Override
  public void close() {
    closed = true;
    try {
      engine.close();
    } finally {
      CompletableFuture<Void> ended = engine.whenClosed();
      if (ended.isDone()) {
        closeModel();
      } else { // waiting here would block requests that the engine still finishes
        var unused = ended.thenRunAsync(this::closeModel, TextGenerator::runOnNewThread);
      }
    }
  }

  private static void runOnNewThread(Runnable task) {
    Thread thread = new Thread(task, "s3-close-model");
    thread.setDaemon(true);
    thread.start();
  }

  private void closeModel() {
    try (model) {
      awaitDecoding();
    }
  }

  /** Waits for texts that are not decoded. After the timeout their results fail. */
  private void awaitDecoding() {
    long end = System.nanoTime() + DECODE_NANOS;
    try {
      for (CountDownLatch decoded : undecoded) {
        if (!decoded.await(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // closes the model without waiting
    }
  }
}
