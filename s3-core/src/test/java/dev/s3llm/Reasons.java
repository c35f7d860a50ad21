package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.error.RequestRefusedException;
import org.assertj.core.api.ThrowingConsumer;

/** Assertions about the reason of a refusal or a failure. */
final class Reasons {
  private Reasons() {}

  /** Returns an assertion that a throwable is a refusal with this reason. */
  static ThrowingConsumer<Throwable> refusedFor(RequestRefusedException.Reason reason) {
    return thrown -> {
      assertThat(thrown).isInstanceOf(RequestRefusedException.class);
      assertThat(((RequestRefusedException) thrown).reason()).isEqualTo(reason);
    };
  }

  /** Returns an assertion that a throwable is a failure with this reason. */
  static ThrowingConsumer<Throwable> failedFor(GenerationFailedException.Reason reason) {
    return thrown -> {
      assertThat(thrown).isInstanceOf(GenerationFailedException.class);
      assertThat(((GenerationFailedException) thrown).reason()).isEqualTo(reason);
    };
  }

  /** Throws the refusal again, unless its reason is that the engine is closed. */
  static void requireClosed(RequestRefusedException refusal) {
    if (refusal.reason() != RequestRefusedException.Reason.ENGINE_CLOSED) {
      throw refusal;
    }
  }
}
