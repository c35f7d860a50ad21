package dev.s3llm.model.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Real models that lie beside the checkout, in {@code ../shared} or where the system property
 * {@code s3.shared} says; they are no part of it.
 */
public final class SharedModels {
  private static final String SMOLLM2 =
      "data/models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf";

  private SharedModels() {}

  /** Returns SmolLM2-135M-Instruct as a GGUF file; empty, and said aloud, if it is not there. */
  public static Optional<Path> smolLm2() {
    String given = System.getProperty("s3.shared", "");
    Path file = (given.isEmpty() ? beside() : Path.of(given)).resolve(SMOLLM2);
    if (Files.exists(file)) {
      return Optional.of(file);
    }
    System.out.println("NOT RUN: tests with the real model, since there is no " + file);
    return Optional.empty();
  }

  private static Path beside() {
    Path at = Path.of("").toAbsolutePath();
    while (at.getParent() != null && !Files.exists(at.resolve(".git"))) {
      at = at.getParent();
    }
    return at.resolveSibling("shared");
  }
}
