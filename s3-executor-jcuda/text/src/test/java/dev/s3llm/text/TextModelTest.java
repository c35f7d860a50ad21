package dev.s3llm.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.model.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextModelTest {
  private static final List<ChatMessage> HI = List.of(ChatMessage.user("Hi"));

  @TempDir Path folder;

  @BeforeEach
  void write() throws IOException {
    ByteModel.write(folder);
  }

  private void template(String template) throws IOException {
    Files.writeString(folder.resolve("chat_template.jinja"), template);
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"bos_token\": \"<s>\", \"eos_token\": \"<|im_end|>\"}");
  }

  @Test
  void templatedPrompt_hasTheStartTokenOnce() throws IOException {
    template("{{ bos_token }}{{ messages[0].content }}");
    try (TextModel model = TextModel.load(folder)) {
      int h = ByteModel.tokens("H")[0];
      int i = ByteModel.tokens("i")[0];
      assertThat(model.encode(HI)).containsExactly(ByteModel.START, h, i);
      assertThat(model.encode("Hi")).containsExactly(ByteModel.START, h, i);
    }
  }

  @Test
  void folderWithoutTemplate_letsTheTokenizerFrameThePrompt() {
    try (TextModel model = TextModel.load(folder)) {
      assertThat(model.chatTemplate().isPlain()).isTrue();
      assertThat(model.encode(HI)).isEqualTo(model.encode("Hi")).startsWith(ByteModel.START);
    }
  }

  @Test
  void stopTokens_areThoseOfConfigurationAndTokenizer() throws IOException {
    try (TextModel model = TextModel.load(folder)) {
      assertThat(model.stopTokens()).containsExactly(ByteModel.END);
    }
    template("");
    try (TextModel model = TextModel.load(folder)) {
      assertThat(model.stopTokens())
          .containsExactly(ByteModel.END, ByteModel.SPECIAL.indexOf("<|im_end|>"));
    }
  }

  @ParameterizedTest
  @CsvSource({"eos_token, 257", "eos_token, 4000001", "bos_token, 257", "chat_template, 1048577"})
  void textsThatAreTooLong_areRefusedByName(String field, int length) throws IOException {
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"%s\": \"%s\"}".formatted(field, "x".repeat(length)));
    assertThatThrownBy(() -> TextModel.load(folder).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("%s has %d characters", field, length);
  }

  @Test
  void templateOfOnesOwn_leavesThatOfTheFolderUnread() throws IOException {
    template("x".repeat((1 << 20) + 1));
    assertThatThrownBy(() -> TextModel.load(folder).close())
        .isInstanceOf(ModelFormatException.class);
    try (TextModel model = TextModel.load(folder, ChatTemplate.plain())) {
      assertThat(model.stopTokens()).contains(ByteModel.SPECIAL.indexOf("<|im_end|>"));
    }
  }

  @Test
  void closedModel_saysSo() {
    TextModel model = TextModel.load(folder);
    model.close();
    model.close();
    assertThatThrownBy(() -> model.encode("Hi"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }
}
