package dev.s3llm.text;

import static dev.s3llm.text.ChatMessage.user;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.testing.GgufBytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the templates and special tokens of a model come from, and which of several is used. */
class ModelTemplatesTest {
  private static final List<Map<String, Object>> TOOLS =
      List.of(Map.of("type", "function", "function", Map.of("name", "f")));
  private static final Conversation HI = Conversation.of(List.of(user("Hi")));
  private static final Conversation WITH_TOOLS =
      Conversation.builder(user("Hi")).tools(TOOLS).build();

  private static final String CHAT_ML =
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
          + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
  private static final String INSTRUCTIONS =
      "<s>{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
          + "{% else %} {{ m.content }}</s>{% endif %}{% endfor %}";

  @TempDir Path folder;

  private ChatTemplate load(String file, String content) throws IOException {
    Path path = folder.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, content);
    return ChatTemplate.load(folder);
  }

  @Test
  void folderWithoutTemplate_isPlain() {
    assertThat(ChatTemplate.load(folder).isPlain()).isTrue();
    assertThat(ChatTemplate.load(folder).names()).isEmpty();
  }

  @Test
  void namedTemplates_areChosenByToolsOrByName() throws IOException {
    ChatTemplate template =
        load(
            "tokenizer_config.json",
            """
            {"chat_template": [
              {"name": "tool_use", "template": "tools {{ tools[0].function.name }}"},
              {"name": "default", "template": "default {{ messages[0].content }}"},
              {"name": "rag", "template": "rag {{ documents[0].title }}"}]}
            """);
    assertThat(template.names()).containsExactlyInAnyOrder("tool_use", "default", "rag");
    assertThat(template.render(HI)).isEqualTo("default Hi");
    assertThat(template.render(WITH_TOOLS)).isEqualTo("tools f");
    Conversation rag =
        Conversation.builder(user("Hi"))
            .documents(List.of(Map.of("title", "T")))
            .template("rag")
            .build();
    assertThat(template.render(rag)).isEqualTo("rag T");
    Conversation unknown = Conversation.builder(user("Hi")).template("chat").build();
    assertThatThrownBy(() -> template.render(unknown))
        .isInstanceOf(ChatTemplateException.class)
        .hasMessage(
            "the model has no chat template 'chat': choose one of [default, rag, tool_use]");
  }

  @Test
  void severalTemplatesWithoutADefault_areNotGuessed() throws IOException {
    ChatTemplate template =
        load(
            "tokenizer_config.json",
            """
            {"chat_template": [
              {"name": "tool_use", "template": "tools"}, {"name": "rag", "template": "rag"}]}
            """);
    assertThat(template.render(WITH_TOOLS)).isEqualTo("tools");
    assertThatThrownBy(() -> template.render(HI))
        .isInstanceOf(ChatTemplateException.class)
        .hasMessageContaining("no chat template 'default': choose one of [rag, tool_use]");
  }

  @Test
  void oneTemplate_rendersToolsToo() throws IOException {
    ChatTemplate template = load("chat_template.jinja", "{{ tools is none }} {{ tools | tojson }}");
    assertThat(template.render(HI)).isEqualTo("True null");
    assertThat(template.render(WITH_TOOLS)).startsWith("False [{").contains("\"name\": \"f\"");
  }

  @Test
  void files_havePrecedenceOverTheConfiguration() throws IOException {
    load("tokenizer_config.json", "{\"chat_template\": \"old\"}");
    assertThat(load("chat_template.json", "{\"chat_template\": \"image\"}").render(HI))
        .isEqualTo("old");
    assertThat(load("chat_template.jinja", "new\n").render(HI)).isEqualTo("new");
    ChatTemplate both = load("additional_chat_templates/tool_use.jinja", "more");
    assertThat(both.names()).containsExactlyInAnyOrder("default", "tool_use");
    assertThat(both.render(WITH_TOOLS)).isEqualTo("more");
    assertThat(both.render(HI)).isEqualTo("new");
  }

  @Test
  void processorsTemplate_isUsedWhereThereIsNoOther() throws IOException {
    assertThat(load("chat_template.json", "{\"chat_template\": \"image\"}").render(HI))
        .isEqualTo("image");
  }

  @Test
  void allSpecialTokens_areVariables() throws IOException {
    load(
        "chat_template.jinja",
        "{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ additional_special_tokens }}"
            + "{{ image_token }} {{ unk_token is defined }} {{ cls_token is defined }}");
    ChatTemplate template =
        load(
            "tokenizer_config.json",
            """
            {"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>",
             "pad_token": {"content": "<p>"}, "unk_token": null,
             "additional_special_tokens": ["<a>", {"content": "<b>"}],
             "extra_special_tokens": {"image_token": "<i>"}}
            """);
    assertThat(template.render(HI)).isEqualTo("<s></s><p>['<a>', '<b>']<i> False False");
  }

  @Test
  void brokenTemplate_isRefusedAtLoadingWithItsPlace() {
    assertThatThrownBy(() -> load("chat_template.jinja", "{{ bos_token }}\n{% if x %}\n{% end %}"))
        .isInstanceOf(ChatTemplateException.class)
        .hasMessageContainingAll("chat_template.jinja, line 3, column 4: ", "end")
        .hasMessageStartingWith(folder.toString());
  }

  @Test
  void damagedFields_areRefusedByName() {
    assertThatThrownBy(() -> load("tokenizer_config.json", "{\"chat_template\": [{\"name\": 1}]}"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("chat_template must be a text, or a list of objects");
    assertThatThrownBy(
            () ->
                load("tokenizer_config.json", "{\"eos_token\": \"%s\"}".formatted("x".repeat(300))))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("eos_token has 300 characters, the limit is 256");
    assertThatThrownBy(() -> load("chat_template.jinja", "x".repeat((1 << 20) + 1)))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("the limit is 1048576");
  }

  @Test
  void ggufMetadata_givesTemplatesAndTokens() {
    Map<String, Object> metadata = new HashMap<>();
    assertThat(ChatTemplate.gguf("m.gguf", metadata).isPlain()).isTrue();
    metadata.put("tokenizer.ggml.tokens", List.of("<unk>", "<s>", "</s>", "a"));
    metadata.put("tokenizer.ggml.bos_token_id", 1L);
    metadata.put("tokenizer.ggml.eos_token_id", 2L);
    metadata.put(
        "tokenizer.chat_template", "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}");
    metadata.put("tokenizer.chat_template.tool_use", "tools{{ unk_token is defined }}");
    metadata.put("tokenizer.chat_templates", List.of("tool_use"));
    ChatTemplate template = ChatTemplate.gguf("m.gguf", metadata);
    assertThat(template.render(HI)).isEqualTo("<s>Hi</s>");
    assertThat(template.render(WITH_TOOLS)).isEqualTo("toolsFalse");
    metadata.put("tokenizer.ggml.eos_token_id", 4L);
    assertThatThrownBy(() -> ChatTemplate.gguf("m.gguf", metadata))
        .isInstanceOf(ModelFormatException.class)
        .hasMessage("m.gguf: tokenizer.ggml.eos_token_id is 4, but the file has 4 tokens");
    metadata.put("tokenizer.ggml.eos_token_id", 2L);
    metadata.put("tokenizer.chat_template", "{{ bos_token");
    assertThatThrownBy(() -> ChatTemplate.gguf("m.gguf", metadata))
        .isInstanceOf(ChatTemplateException.class)
        .hasMessageStartingWith("m.gguf: tokenizer.chat_template, line 1, column 13: ");
  }

  @Test
  void frameOfPlainText_isRecognised() throws IOException {
    ByteModel.write(folder); // with the added tokens <s>, </s>, <|im_start|>, <|im_end|>
    assertThat(load("chat_template.jinja", CHAT_ML).hasPlainTextFrame()).isFalse();
    assertThat(load("chat_template.jinja", INSTRUCTIONS).hasPlainTextFrame()).isTrue();
    assertThat(load("chat_template.jinja", CHAT_ML.replace("im_", "")).hasPlainTextFrame())
        .isTrue();
    assertThat(load("chat_template.jinja", INSTRUCTIONS).withClock(Today.CLOCK).hasPlainTextFrame())
        .isTrue();
  }

  @Test
  void ggufFile_isLoadedWithTheTypesOfItsTokens() throws IOException {
    assertThat(ggufFile(CHAT_ML).render(HI))
        .isEqualTo("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    assertThat(ggufFile(CHAT_ML).hasPlainTextFrame()).isFalse();
    assertThat(ggufFile(INSTRUCTIONS).hasPlainTextFrame()).isTrue();
  }

  private ChatTemplate ggufFile(String template) throws IOException {
    GgufBytes gguf =
        new GgufBytes()
            .put("tokenizer.chat_template", template)
            .put("tokenizer.ggml.tokens", List.of("<|im_start|>", "<|im_end|>", " ", "[INST]"))
            .put("tokenizer.ggml.token_type", List.of(3, 4, 4, 1));
    return ChatTemplate.load(Files.write(folder.resolve("m.gguf"), gguf.bytes()));
  }

  @Test
  void frameOfUnknownTokens_isNotReported() {
    Map<String, Object> metadata = Map.of("tokenizer.chat_template", INSTRUCTIONS);
    assertThat(ChatTemplate.gguf("m.gguf", metadata).hasPlainTextFrame()).isFalse();
  }
}
