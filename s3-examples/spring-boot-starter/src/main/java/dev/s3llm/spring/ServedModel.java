package dev.s3llm.spring;

import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The model that the engine runs.
 *
 * @param name the model's name for clients and in metrics
 * @param folder the model's folder, with the files of a Hugging Face model folder
 * @param lengthModel folder of the classifier that predicts the length of the model's answers; null
 *     if lengths are learned from finished answers
 */
public record ServedModel(String name, Path folder, @Nullable Path lengthModel) {

  /** Checks that name and folder are given. */
  public ServedModel {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(folder, "folder");
  }
}
