package dev.s3llm.examples.spark;

import dev.s3llm.onnx.OnnxLengthPredictor;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.text.ChatTemplateException;
import dev.s3llm.text.TextModel;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** Counts the tokens of prompts and predicts those of their answers. Thread-safe. */
final class PromptSizer implements AutoCloseable {
  /** The most threads of a length predictor. An engine on the CPU may have more. */
  private static final int MAX_PREDICTOR_THREADS = 64;

  private static final PerExecutor<Key, PromptSizer> ALL =
      PerExecutor.untilShutdown(PromptSizer::open);

  private final boolean chat;
  private final TextModel model;
  private final LengthPredictor predictor;

  private PromptSizer(boolean chat, TextModel model, LengthPredictor predictor) {
    this.chat = chat;
    this.model = model;
    this.predictor = predictor;
  }

  private static PromptSizer open(Key key) {
    ModelChoice choice = key.choice;
    return open(choice.chat(), TextModel.load(choice.open()), () -> predictor(key));
  }

  /**
   * Creates a sizer that owns the model and the predictor.
   *
   * @param chat whether the model's chat template frames the prompts
   * @param model the model, which is closed if the predictor cannot be made
   * @param predictor makes the predictor
   */
  static PromptSizer open(boolean chat, TextModel model, Supplier<LengthPredictor> predictor) {
    try {
      return new PromptSizer(chat, model, predictor.get());
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  private static LengthPredictor predictor(Key key) {
    return key.choice.predictsLengths()
        ? OnnxLengthPredictor.builder(key.choice.openLengthModel()).threads(key.threads).build()
        : new EmpiricalLengthPredictor();
  }

  /**
   * Returns a share of the executor's sizer.
   *
   * @param choice the model
   * @param threads threads of the predictor, at least 1; the predictor uses 64 at most
   */
  static PerExecutor<Key, PromptSizer>.Lease lease(ModelChoice choice, int threads) {
    return ALL.lease(new Key(choice, Math.min(threads, MAX_PREDICTOR_THREADS)));
  }

  /** Closes the sizers of this executor that no task uses. */
  static void closeIdle() {
    ALL.closeIdle();
  }

  /**
   * Identifies a sizer.
   *
   * @param choice the model
   * @param threads threads of the predictor
   */
  record Key(ModelChoice choice, int threads) {}

  /**
   * Sizes of a row.
   *
   * @param promptTokens length of the prompt
   * @param predictedTokens expected length of the answer
   */
  record Sizes(int promptTokens, int predictedTokens) {}

  /**
   * Counts the tokens of a prompt at once, and predicts its answer asynchronously.
   *
   * @param prompt the prompt
   * @param ownLimit the row's own output limit in tokens; 0 for none
   * @param jobLimit the limit in tokens of rows without their own, at least 1
   * @return the sizes, when the prediction is there
   * @throws IllegalArgumentException if the prompt is too long for the tokenizer or has no tokens
   * @throws ChatTemplateException if the model's chat template refuses the prompt
   * @throws IllegalStateException if the sizer is closed
   */
  CompletableFuture<Sizes> size(String prompt, int ownLimit, int jobLimit) {
    int[] tokens = chat ? model.encode(ModelChoice.conversation(prompt)) : model.encode(prompt);
    if (tokens.length == 0) {
      throw new IllegalArgumentException("the prompt has no tokens");
    }
    int limit = OutputLimit.of(ownLimit, jobLimit, tokens.length, model.maxContextTokens());
    return predictor
        .predict(new LengthQuery(tokens.length, prompt, null, 0, limit))
        .toCompletableFuture()
        .thenApply(found -> new Sizes(tokens.length, (int) Math.max(1, Math.round(found.mean()))));
  }

  @Override
  public void close() {
    try (model) {
      predictor.close();
    }
  }
}
