package dev.s3llm.execute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import org.junit.jupiter.api.Test;

class ExecutorProfileTest {
  @Test
  void otherCosts_changeNothingElse() {
    ExecutorProfile profile =
        ExecutorProfile.builder()
            .kvBlocks(60, 4, 64)
            .hostBlocks(20)
            .maxContextTokens(200)
            .maxTokensPerStep(65)
            .maxSequencesPerStep(8)
            .vocabularySize(50)
            .growth(ExecutorProfile.KvGrowth.FIXED_CANVAS)
            .canvasPasses(3)
            .takesInputs(true)
            .masksTokens(true)
            .sharesPrefixes(true)
            .featureWidth(5)
            .build();
    RecoveryCosts costs = new RecoveryCosts(7, 9);
    ExecutorProfile changed = profile.withRecoveryCosts(costs);
    assertThat(changed.recoveryCosts()).isEqualTo(costs);
    assertThat(changed)
        .usingRecursiveComparison()
        .ignoringFields("recoveryCosts")
        .isEqualTo(profile);
  }

  @Test
  void missingCosts_areRefusedByName() {
    ExecutorProfile profile =
        ExecutorProfile.builder()
            .kvBlocks(1, 1, 1)
            .maxContextTokens(1)
            .maxTokensPerStep(1)
            .maxSequencesPerStep(1)
            .vocabularySize(1)
            .build();
    assertThatNullPointerException()
        .isThrownBy(() -> profile.withRecoveryCosts(null))
        .withMessage("costs must not be null");
  }
}
