package dev.s3llm.spring.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.spring.S3StartException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.diagnostics.FailureAnalysis;

class BootVersionCheckTest {

  @ParameterizedTest
  @ValueSource(strings = {"2.7.18", "3.5.8", "4.0.0"})
  void olderVersion_isRefusedAndBothVersionsAreNamed(String version) {
    assertThatThrownBy(() -> BootVersionCheck.require(version))
        .isInstanceOf(S3StartException.class)
        .hasMessageContaining("needs Spring Boot 4.1 or later")
        .hasMessageContaining(version);
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(strings = {"4.1.0", "4.2.0-SNAPSHOT", "5.0.0", "unknown", ""})
  void laterOrUnknownVersion_isAccepted(String version) {
    assertThatCode(() -> BootVersionCheck.require(version)).doesNotThrowAnyException();
  }

  @Test
  void startFailure_isReportedWithItsAction() {
    S3StartException failure = new S3StartException("no model", "Set one.");
    FailureAnalysis analysis =
        new StartFailureAnalyzer().analyze(new IllegalStateException("wrapped", failure));
    assertThat(analysis.getDescription()).isEqualTo("no model");
    assertThat(analysis.getAction()).isEqualTo("Set one.");
  }
}
