package dev.s3llm.spring.internal;

import dev.s3llm.spring.S3StartException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Reports problem and action of an {@link S3StartException}. */
final class StartFailureAnalyzer extends AbstractFailureAnalyzer<S3StartException> {

  @Override
  protected FailureAnalysis analyze(Throwable rootFailure, S3StartException cause) {
    return analysis(cause);
  }

  static FailureAnalysis analysis(S3StartException cause) {
    return new FailureAnalysis(cause.getMessage(), cause.action(), cause);
  }
}
