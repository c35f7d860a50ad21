package dev.s3llm.spring.internal;

import dev.s3llm.model.ModelFormatException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Reports why a model cannot be loaded. */
final class ModelFailureAnalyzer extends AbstractFailureAnalyzer<ModelFormatException> {

  @Override
  protected FailureAnalysis analyze(Throwable rootFailure, ModelFormatException cause) {
    return new FailureAnalysis(
        "the model cannot be loaded: " + cause.getMessage(),
        "Set s3llm.model to the folder of a model that is supported, or to its .gguf file.",
        cause);
  }
}
