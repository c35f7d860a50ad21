package dev.s3llm.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.GenerationRequest;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.text.constraint.Constraints;
import dev.s3llm.text.constraint.Grammar;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextRequestTest {
  @TempDir Path folder;

  @Test
  void badValues_areRefusedAtOnce() {
    TextRequest.Builder builder = TextRequest.builder();
    assertThatThrownBy(() -> builder.stop("")).hasMessageContaining("1 to 256");
    assertThatThrownBy(() -> builder.stop("x".repeat(257))).hasMessageContaining("257");
    assertThatThrownBy(() -> builder.stop("\uD83D")).hasMessageContaining("surrogate");
    assertThatThrownBy(() -> builder.maxNewTokens(0)).hasMessageContaining("maxNewTokens");
    assertThatThrownBy(() -> builder.messages(List.of())).hasMessageContaining("messages");
    assertThatThrownBy(builder::build).hasMessageContaining("either a prompt or messages");
    for (int i = 0; i < TextRequest.MAX_STOP_STRINGS; i++) {
      builder.stop("s" + i);
    }
    assertThatThrownBy(() -> builder.stop("one more")).hasMessageContaining("at most 16");
    assertThatThrownBy(() -> builder.stop((String) null)).hasMessage("stop must not be null");
    builder.prompt("a").messages(ChatMessage.user("b"));
    assertThatThrownBy(builder::build).hasMessageContaining("not both");
    assertThatThrownBy(() -> ChatRole.of("robot")).hasMessageContaining("assistant");
    assertThat(ChatRole.of("tool")).isEqualTo(ChatRole.TOOL);
  }

  @Test
  void nullAndSecondCalls_areRefusedByName() {
    TextRequest.Builder builder = TextRequest.builder();
    assertThatThrownBy(() -> TextRequest.of(null)).hasMessage("prompt must not be null");
    assertThatThrownBy(() -> builder.messages((List<ChatMessage>) null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("messages must not be null");
    assertThatThrownBy(() -> builder.configure(null)).hasMessage("configure must not be null");
    assertThatThrownBy(() -> builder.stop((List<String>) null)).hasMessageContaining("stop");
    builder.prompt("a").maxNewTokens(3);
    assertThatThrownBy(() -> builder.prompt("b"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("prompt was already set to a");
    assertThatThrownBy(() -> builder.maxNewTokens(4))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("maxNewTokens was already set to 3");
  }

  @Test
  void outputLimit_isAsManyAsFit_orAtMostANumberOfThem() throws IOException {
    ByteModel.write(folder);
    try (TextModel model = TextModel.load(folder)) {
      String prompt = "x".repeat(99); // and the start token
      assertThat(TextRequest.of(prompt).tokenize(model, 1000).maxNewTokens())
          .isEqualTo(GenerationRequest.AS_MANY_AS_FIT);
      TextRequest request = TextRequest.builder().prompt(prompt).maxNewTokensThatFit(256).build();
      assertThat(request.tokenize(model, 1000).maxNewTokens()).isEqualTo(256);
      assertThat(request.tokenize(model, 150).maxNewTokens()).isEqualTo(50);
      assertThat(request.tokenize(model, 100).maxNewTokens()).isEqualTo(1);
    }
  }

  @Test
  void configuration_comesLastAndPredictorsReadTheQuestion() throws IOException {
    ByteModel.write(folder);
    TextRequest request =
        TextRequest.builder()
            .messages(
                ChatMessage.system("Be brief."),
                ChatMessage.user("Why?"),
                ChatMessage.assistant("Because"))
            .maxNewTokens(7)
            .configure(tokens -> tokens.tenant("a").maxNewTokens(8))
            .configure(tokens -> tokens.id("mine"))
            .build();
    try (TextModel model = TextModel.load(folder)) {
      GenerationRequest tokens = request.tokenize(model, 1000);
      assertThat(tokens.tenant()).isEqualTo("a");
      assertThat(tokens.id()).isEqualTo("mine");
      assertThat(tokens.maxNewTokens()).isEqualTo(8);
      assertThat(tokens.promptText()).hasValue("Why?");
      assertThat(tokens.stopTokens()).containsExactly(ByteModel.END);
    }
  }

  @Test
  void constraint_reachesTheRequestInTokens() throws IOException {
    ByteModel.write(folder);
    Grammar grammar = Constraints.choice(List.of("yes", "no"));
    TextRequest request = TextRequest.builder().prompt("a").constraint(grammar).build();
    assertThat(request.constraint()).contains(grammar);
    try (TextModel model = TextModel.load(folder)) {
      TokenConstraint constraint = request.tokenize(model, 100).tokenConstraint().orElseThrow();
      assertThat(constraint).isSameAs(model.constraint(grammar));
      TokenConstraint.State state = constraint.start();
      for (int token : ByteModel.tokens("yes")) {
        state = state.after(token);
      }
      assertThat(state.complete()).isTrue();
      assertThat(state.mask(1)).hasSize((ByteModel.VOCABULARY + 63) / 64).containsOnly(0);
    }
  }
}
