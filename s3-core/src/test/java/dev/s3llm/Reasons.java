package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.error.RequestRefusedException;
import org.assertj.core.api.ThrowingConsumer;

/** Assertions on why a request was refused, or failed. */
final class Reasons {
  private Reasons() {}

  /** It is a refusal with this reason. */
  static ThrowingConsumer<Throwable> refusedFor(RequestRefusedException.Reason reason) {
    return thrown -> {
      assertThat(thrown).isInstanceOf(RequestRefusedException.class);
      assertThat(((RequestRefusedException) thrown).reason()).isEqualTo(reason);
    };
  }

  /** It is a failure with this reason. */
  static ThrowingConsumer<Throwable> failedFor(GenerationFailedException.Reason reason) {
    return thrown -> {
      assertThat(thrown).isInstanceOf(GenerationFailedException.class);
      assertThat(((GenerationFailedException) thrown).reason()).isEqualTo(reason);
    };
  }

  /** Throws it on unless it is a refusal of a closed engine. */
  static void requireClosed(RequestRefusedException refusal) {
    if (refusal.reason() != RequestRefusedException.Reason.ENGINE_CLOSED) {
      throw refusal;
    }
  }
}
