package dev.s3llm.onnx;

import dev.s3llm.predict.LengthBuckets;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A loaded length model: tokenizer, session, and the lengths that its classes stand for. Used
 * between {@link #begin} and {@link #end}; closing waits for uses in progress, since to free native
 * memory in use crashes the JVM. Thread-safe.
 */
final class LengthModel implements AutoCloseable {
  private final LengthModelFolder.Description description;
  private final PromptEncoder encoder;
  private final LengthClassifier classifier;
  private final UseCount uses = new UseCount(this::release);
  private int embeddingSize;

  private LengthModel(
      LengthModelFolder.Description description,
      PromptEncoder encoder,
      LengthClassifier classifier) {
    this.description = description;
    this.encoder = encoder;
    this.classifier = classifier;
  }

  /**
   * Loads a folder and runs the model once, so that a model that cannot answer is refused.
   *
   * @param folder the model folder
   * @param threads threads of one run, at least 1
   * @throws LengthModelException if the model cannot be used, naming the file and the reason
   */
  static LengthModel load(Path folder, int threads) {
    LengthModelFolder files = LengthModelFolder.read(folder);
    @Nullable LengthModel model = null;
    try {
      int limit = files.description().maxInputTokens();
      PromptEncoder encoder = new PromptEncoder(files.tokenizer(), limit);
      model = new LengthModel(files.description(), encoder, classifier(files, encoder, threads));
      model.tryOut();
      return model;
    } catch (RuntimeException e) {
      if (model != null) {
        model.close();
      }
      throw new LengthModelException(folder + ": " + e.getMessage(), e);
    }
  }

  private static LengthClassifier classifier(
      LengthModelFolder files, PromptEncoder encoder, int threads) {
    try {
      int classes = files.description().buckets().count();
      return new LengthClassifier(files.model(), classes, threads);
    } catch (RuntimeException e) {
      encoder.close();
      throw e;
    }
  }

  private void tryOut() {
    Scores scores = classifier.run(List.of(encode("Hello")))[0].requireFinite();
    int size = scores.embedding().length;
    long weights = OnlineHead.weights(buckets().count(), size);
    if (size == 0 || weights > OnlineHead.MAX_WEIGHTS) {
      throw new LengthModelException(
          "the model's embedding has %d values for %d buckets, %d weights of an online head; the"
                  .formatted(size, buckets().count(), weights)
              + " limit is "
              + OnlineHead.MAX_WEIGHTS);
    }
    embeddingSize = size;
  }

  String name() {
    return description.name();
  }

  String checksum() {
    return description.checksum();
  }

  String lengthTokenizer() {
    return description.lengthTokenizer();
  }

  LengthBuckets buckets() {
    return description.buckets();
  }

  /** Returns the largest number of prompts in one run. */
  int maxBatch() {
    return description.maxBatch();
  }

  /** Returns the number of values of an embedding. */
  int embeddingSize() {
    return embeddingSize;
  }

  /** Begins a use; returns false if the model is closed. */
  boolean begin() {
    return uses.begin();
  }

  void end() {
    uses.end();
  }

  long[] encode(String prompt) {
    return encoder.encode(prompt);
  }

  /**
   * Runs a batch.
   *
   * @param encoded token ids, at least one for each prompt
   * @return the scores of each prompt, whose values may be not finite
   * @throws LengthModelException if the runtime fails or the shapes are not those of the first run
   */
  Scores[] run(List<long[]> encoded) {
    Scores[] scores = classifier.run(encoded);
    int size = scores[0].embedding().length;
    if (size != embeddingSize) {
      throw new LengthModelException(
          "the model's embedding has %d values, at first it had %d".formatted(size, embeddingSize));
    }
    return scores;
  }

  private void release() {
    classifier.close();
    encoder.close();
  }

  /** Releases the model after uses in progress; does not wait within a use. Idempotent. */
  @Override
  public void close() {
    uses.close();
  }
}
