package dev.s3llm.onnx;

import dev.s3llm.predict.LengthBuckets;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A loaded length model: its tokenizer, its session, what its classes mean. Used between {@link
 * #begin} and {@link #end}; closing waits for the uses under way, since freeing native memory in
 * use crashes the JVM. Thread-safe.
 */
final class LengthModel implements AutoCloseable {
  private final LengthModelFolder description;
  private final PromptEncoder encoder;
  private final LengthClassifier classifier;
  private final UseCount uses = new UseCount();
  private int embeddingSize;

  private LengthModel(
      LengthModelFolder description, PromptEncoder encoder, LengthClassifier classifier) {
    this.description = description;
    this.encoder = encoder;
    this.classifier = classifier;
  }

  /**
   * Loads a folder and runs it once, so that a model that cannot answer is never put to use.
   *
   * @throws LengthModelException naming the file and what is wrong with it
   */
  static LengthModel load(Path folder, int threads) {
    LengthModelFolder files = LengthModelFolder.read(folder);
    @Nullable LengthModel model = null;
    try {
      PromptEncoder encoder = new PromptEncoder(files.tokenizer(), files.maxInputTokens());
      model = new LengthModel(files, encoder, classifier(files, encoder, threads));
      model.embeddingSize = model.run(List.of(model.encode("Hello")))[0].embedding().length;
      return model;
    } catch (LengthModelException e) {
      if (model != null) {
        model.close();
      }
      throw new LengthModelException(folder + ": " + e.getMessage(), e);
    }
  }

  private static LengthClassifier classifier(
      LengthModelFolder files, PromptEncoder encoder, int threads) {
    try {
      return new LengthClassifier(files.model(), files.buckets().count(), threads);
    } catch (LengthModelException e) {
      encoder.close();
      throw e;
    }
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

  /** Prompts that may be read in one run. */
  int maxBatch() {
    return description.maxBatch();
  }

  /** Values of an embedding. */
  int embeddingSize() {
    return embeddingSize;
  }

  /** Begins a use; false if the model is closed. */
  boolean begin() {
    return uses.begin();
  }

  void end() {
    uses.end();
  }

  long[] encode(String prompt) {
    return encoder.encode(prompt);
  }

  Scores[] run(List<long[]> encoded) {
    return classifier.run(encoded);
  }

  /** Waits for the uses under way. Idempotent. */
  @Override
  public void close() {
    if (uses.close()) {
      classifier.close();
      encoder.close();
    }
  }
}
