package dev.s3llm.examples.speech.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class ByteSizeTest {
  private final ByteSize.Converter converter = new ByteSize.Converter();

  @ParameterizedTest
  @CsvSource({
    "1048576,1048576",
    "64MiB,67108864",
    "1.5GB,1500000000",
    "2 kb,2000",
    "7B,7",
    "4m,4194304"
  })
  void sizes_haveUnits(String text, long bytes) {
    assertThat(converter.convert(text)).isEqualTo(new ByteSize(bytes));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0", "-1", "1.2.3", "5 apples", "3i", "4mi", "9999999999999GB"})
  void otherTexts_areRefused(String text) {
    assertThatThrownBy(() -> converter.convert(text))
        .isInstanceOf(TypeConversionException.class)
        .hasMessageContaining("64MiB");
  }
}
