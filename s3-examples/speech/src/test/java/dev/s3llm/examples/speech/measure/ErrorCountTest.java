package dev.s3llm.examples.speech.measure;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ErrorCountTest {
  private final ErrorCount errors = new ErrorCount();

  @Test
  void errors_areInsertionsDeletionsAndReplacements() {
    errors.add("A B C", "A X B"); // two insertions and two deletions, or three replacements
    errors.add("YES", "YES");

    assertThat(errors.texts()).isEqualTo(2);
    assertThat(errors.exact()).isEqualTo(1);
    assertThat(errors.charactersWrongPercent()).isEqualTo(100.0 * 2 / 8);
    assertThat(errors.wordsWrongPercent()).isEqualTo(100.0 * 2 / 4);
    assertThat(errors.meanLengthError()).isZero();
  }

  @Test
  void missingText_isWrongAsAWhole() {
    errors.add("ONE TWO", "");

    assertThat(errors.charactersWrongPercent()).isEqualTo(100);
    assertThat(errors.wordsWrongPercent()).isEqualTo(100);
    assertThat(errors.meanLengthError()).isEqualTo(7);
  }

  @Test
  void textWhereNothingIsSaid_addsErrors() {
    errors.add("A", "A");
    errors.add("", "B C");

    assertThat(errors.charactersWrongPercent()).isEqualTo(300);
    assertThat(errors.wordsWrongPercent()).isEqualTo(200);
  }
}
