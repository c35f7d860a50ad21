package dev.s3llm.spring;

import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The model that the engine runs.
 *
 * @param name the model's name for clients and in metrics
 * @param folder the model's Hugging Face folder, or its GGUF file
 * @param lengthModel folder of the classifier that predicts the length of the model's answers; null
 *     if lengths are learned from finished answers
 * @param lengthHead folder of the head that revises predictions by the model's hidden states; null
 *     for none
 * @param toy whether it is the embedded model for tests and first steps, which clients should know
 */
public record ServedModel(
    String name, Path folder, @Nullable Path lengthModel, @Nullable Path lengthHead, boolean toy) {

  /**
   * Creates a model that is no toy, without a head.
   *
   * @param name the model's name for clients and in metrics
   * @param folder the model's Hugging Face folder, or its GGUF file
   * @param lengthModel folder of a classifier of answer lengths; null for none
   */
  public ServedModel(String name, Path folder, @Nullable Path lengthModel) {
    this(name, folder, lengthModel, null, false);
  }

  /** Checks that name and folder are given. */
  public ServedModel {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(folder, "folder");
  }
}
