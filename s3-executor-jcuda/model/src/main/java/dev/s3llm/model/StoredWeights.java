package dev.s3llm.model;

import dev.s3llm.model.gguf.GgufFile;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the headers of a model's weight files say of their size, whatever the model's family.
 *
 * @param bytesByType bytes of all tensors of a number type, by the type's name in the file, such as
 *     {@code BF16} or {@code Q4_1}
 */
public record StoredWeights(Map<String, Long> bytesByType) {
  /** Sorts and copies the map. */
  public StoredWeights {
    bytesByType = Collections.unmodifiableMap(new TreeMap<>(bytesByType));
  }

  /**
   * Reads the headers of a model's weight files.
   *
   * @param model a Hugging Face folder or a GGUF file
   * @throws ModelFormatException if the weights are missing, damaged or in no format that is read
   */
  public static StoredWeights read(Path model) {
    FolderCheck.requireModel(model);
    Map<String, Long> bytes = new TreeMap<>();
    if (ModelFiles.isGguf(model)) {
      try (GgufFile file = GgufFile.open(model)) {
        file.names()
            .forEach(name -> bytes.merge(file.format(name), file.bytes(name), Math::addExact));
      }
    } else {
      try (WeightFiles files = WeightFiles.open(model)) {
        files.bytesByType().forEach((type, size) -> bytes.merge(type, size, Math::addExact));
      }
    }
    return new StoredWeights(bytes);
  }

  /**
   * Returns whether there is any file of weights, in a format that is read or in another.
   *
   * @param model a Hugging Face folder or a GGUF file
   * @throws ModelFormatException if the path is neither, or cannot be read
   */
  public static boolean present(Path model) {
    FolderCheck.requireModel(model);
    return ModelFiles.isGguf(model) || FolderCheck.hasWeights(model);
  }

  /** Returns the bytes of all tensors. */
  public long bytes() {
    return bytesByType.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Returns the type that takes the most bytes; empty if there is no tensor. */
  public String mainType() {
    return bytesByType.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse("");
  }
}
